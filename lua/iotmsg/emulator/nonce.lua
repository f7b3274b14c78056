-- Remembers which nonces were used, for at least the 31 minutes in which Alibaba refuses them again.
-- Two generations are swapped as time goes on: no timers, no walk over old entries.
-- Time is an argument; it knows nothing of signatures.

local REMEMBER_S = 31 * 60

local nonce = {}
nonce.__index = nonce

---@return table memory
function nonce.new()
  return setmetatable({ young = {}, old = {}, swap_at = 0 }, nonce)
end

---@param key string access key id and nonce
---@param now_s number
---@return boolean fresh false when it was used before
function nonce:use(key, now_s)
  if now_s >= self.swap_at then
    -- After a silence longer than a whole generation, the young one is too old as well.
    local stale = now_s >= self.swap_at + REMEMBER_S
    self.old = stale and {} or self.young
    self.young = {}
    self.swap_at = now_s + REMEMBER_S
  end
  if self.young[key] or self.old[key] then
    return false
  end
  self.young[key] = true
  return true
end

return nonce
