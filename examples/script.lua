-- A script that sends one message and says what became of it. Run it against the emulator:
--   iotmsg emulator > emulator.env & sleep 1; . ./emulator.env; lua examples/script.lua

local iotmsg = require "iotmsg"

local res, err = iotmsg.pub {
  product_key = "a1Q5XoY",
  topic_full_name = "/a1Q5XoY/device1/user/get",
  payload = { command = "open", door = 3 },
  qos = 1,
}

if res then
  print("accepted as " .. res.message_id)
elseif err.outcome == "unknown" then
  print("it may have arrived: " .. err)
  os.exit(3)
else
  print("it did not arrive: " .. err)
  os.exit(1)
end
