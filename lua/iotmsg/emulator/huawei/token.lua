-- The tokens that IAM has given out, the last thousand of them: what each may be used for and until when.
-- Time is an argument.

local rand = require "openssl.rand"

local base64 = require "iotmsg.emulator.base64"
local ring = require "iotmsg.emulator.ring"

local TOKENS_MAX = 1000
-- The vendor's tokens are long; these are long enough that a client which cuts them is found out.
local TOKEN_BYTES = 1536

local token = {}
token.__index = token

---@param lifetime_s number
---@return table memory
function token.new(lifetime_s)
  return setmetatable({ lifetime_s = lifetime_s, given = ring.new(TOKENS_MAX) }, token)
end

---@param scope table { project_id, project_name } or an empty one for the whole account
---@param now_s number
---@return string text
---@return number expires_at seconds since the epoch
function token:issue(scope, now_s)
  local text = "MII" .. base64.encode(rand.bytes(TOKEN_BYTES)):gsub("/", "-")
  local expires_at = now_s + self.lifetime_s
  self.given:put(text, { scope = scope, expires_at = expires_at })
  return text, expires_at
end

---@param text string
---@param now_s number
---@return table|nil scope nil when the token cannot be used
---@return string|nil problem "unknown" or "expired"
function token:find(text, now_s)
  local known = self.given:get(text)
  if not known then
    return nil, "unknown"
  elseif now_s >= known.expires_at then
    return nil, "expired"
  end
  return known.scope
end

return token
