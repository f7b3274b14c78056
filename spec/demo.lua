-- What `make demo` runs: a local cloud, a real broker and a real MQTT device per message. Each device must receive
-- exactly the bytes that were sent through the public interface; the exit status says whether all did.

local device = require "spec.support.device"
local emulator = require "spec.support.emulator"
local iotmsg = require "iotmsg"

local RECEIVE_TIMEOUT_S = 10

local every_byte = {}
for byte = 0, 255 do every_byte[#every_byte + 1] = string.char(byte) end

local MESSAGES = {
  { device = "text", payload = "hello world" },
  { device = "utf8", payload = "你好，世界 — grüß dich 😀" },
  { device = "binary", payload = table.concat(every_byte) },
}

local function fail(what, why)
  io.stderr:write("demo: ", what, ": ", tostring(why), "\n")
  return false
end

local function send_one(cloud, message)
  local topic = "/a1DemoPk000/" .. message.device .. "/user/get"
  local receiver = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, topic)
  local res, err = iotmsg.pub {
    product_key = "a1DemoPk000",
    topic_full_name = topic,
    payload = message.payload,
    qos = 1,
  }
  if not res then
    receiver:stop()
    return fail("pub to " .. topic, err)
  end
  local received, why = receiver:receive(RECEIVE_TIMEOUT_S)
  receiver:stop()
  if not received then return fail("the device at " .. topic .. " received nothing", why) end
  if received.payload ~= message.payload then
    return fail("the device at " .. topic, "received other bytes than were sent")
  end
  print(("delivered pub %s %d bytes"):format(res.message_id, #received.payload))
  return true
end

local function main()
  local cloud = emulator.start()
  assert(iotmsg.configure {
    endpoint = cloud.endpoint,
    ca_file = cloud.ca_file,
    access_key_id = cloud.access_key_id,
    access_key_secret = cloud.access_key_secret,
  })
  local all_delivered = true
  for _, message in ipairs(MESSAGES) do all_delivered = send_one(cloud, message) and all_delivered end
  cloud:stop()
  return all_delivered
end

os.exit(main() and 0 or 1)
