-- MessageIds as Alibaba's: 19 digits, beyond what a double holds exactly, so that a client that loses digits
-- is caught. Made as text: the second the emulator started, then a counter that begins anywhere. And MsgIds
-- of ApsaraMQ, which are random.

local rand = require "openssl.rand"

local hash = require "iotmsg.emulator.hash"

local message_id = {}

---@param start_s number seconds since the epoch
---@return fun(): string next each id once; below 2^63
function message_id.sequence(start_s)
  local first = ("%010.0f"):format(start_s % 8000000000)
  local counter = math.random(0, 99999999)
  return function()
    counter = counter + 1
    return first .. ("%09.0f"):format(counter)
  end
end

---@return string 32 upper-case hexadecimal digits
function message_id.hexadecimal()
  return hash.to_hex(rand.bytes(16)):upper()
end

return message_id
