-- An event loop: one coroutine hands out what has completed, the others start calls and go on when theirs is done.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local iotmsg = require "iotmsg"

local SENDERS = 5
local loop, running = cqueues.new(), SENDERS

loop:wrap(function()
  while running > 0 do
    cqueues.poll(iotmsg.pollable(), 1)
    iotmsg.poll(0)
  end
end)

for i = 1, SENDERS do
  loop:wrap(function()
    local done = condition.new()
    local call, err = iotmsg.start("pub", {
      product_key = "a1Q5XoY",
      topic_full_name = ("/a1Q5XoY/device%d/user/get"):format(i),
      payload = "hello from coroutine " .. i,
    }, function() done:signal() end)
    if call then
      done:wait()
      local res
      res, err = call:wait(0)
      if res then print(i, res.message_id) end
    end
    if err then print(i, err) end
    running = running - 1
  end)
end

assert(loop:loop())
