-- A loop at 60 frames a second, as a game or a gateway has it: every frame starts a message and hands out what has
-- completed, and none waits for the network. Prints the longest that a frame's own work took.

local iotmsg = require "iotmsg"

local FRAMES = 120
local accepted, failed, worst_s = 0, 0, 0

local function on_done(res)
  if res then accepted = accepted + 1 else failed = failed + 1 end
end

for frame = 1, FRAMES do
  local start = os.clock()
  local call, err = iotmsg.start("pub", {
    product_key = "a1Q5XoY",
    topic_full_name = "/a1Q5XoY/player1/user/get",
    payload = "frame " .. frame,
  }, on_done)
  if not call then print(err) end
  iotmsg.poll()
  io.write(("\rframe %d, %d accepted"):format(frame, accepted)) -- this is where a game draws
  worst_s = math.max(worst_s, os.clock() - start)
  iotmsg.poll(1000 / 60) -- the rest of the frame: a game waits for its display instead
end

assert(iotmsg.drain(10000))
print(("\n%d accepted, %d failed; worst frame %.2f ms of CPU"):format(accepted, failed, worst_s * 1000))
os.exit(failed == 0 and 0 or 1)
