-- Remembers which nonces were used, for the 31 minutes in which Alibaba refuses them again, and of those the
-- last 100,000. Time is an argument; it knows nothing of signatures.

local ring = require "iotmsg.emulator.ring"

local REMEMBER_S = 31 * 60
local NONCES_MAX = 100000

local nonce = {}
nonce.__index = nonce

---@param max integer|nil how many are remembered
---@return table memory
function nonce.new(max)
  return setmetatable({ used_at = ring.new(max or NONCES_MAX) }, nonce)
end

---@param key string access key id and nonce
---@param now_s number
---@return boolean fresh false when it was used before
function nonce:use(key, now_s)
  local before = self.used_at:get(key)
  if before and now_s < before + REMEMBER_S then
    return false
  end
  self.used_at:remove(key)
  self.used_at:put(key, now_s)
  return true
end

return nonce
