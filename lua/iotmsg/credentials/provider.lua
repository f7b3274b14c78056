-- Access keys from a function of the user's: option credentials = function() return { access_key_id = …, … } end, or
-- the same as three values. What it returns is kept until shortly before its expires_at (Unix seconds); without one
-- the function is asked for each try.

local core = require "iotmsg.core"
local Error = require "iotmsg.error"

local EARLY_S = 60

local kept = setmetatable({}, { __mode = "k" }) -- function -> its last credentials

local function fail(what)
  return nil, Error.new { kind = "credentials", message = "the credentials function " .. what }
end

---@param settings table
---@return iotmsg.Credentials?
---@return iotmsg.Error? err kind credentials
return function(settings)
  local provide = settings.credentials
  if not provide then return end
  local before = kept[provide]
  if before and core.engine.unix_ms() / 1000 < before.expires_at - EARLY_S then return before end
  local ok, id, secret, token, expires_at = pcall(provide)
  if not ok then return fail("raised an error") end -- its text may hold anything, secrets included
  local found = id
  if type(id) == "string" then
    found = { access_key_id = id, access_key_secret = secret, security_token = token, expires_at = expires_at }
  end
  if type(found) ~= "table" or type(found.access_key_id) ~= "string" or type(found.access_key_secret) ~= "string"
    or found.security_token ~= nil and type(found.security_token) ~= "string"
    or found.expires_at ~= nil and type(found.expires_at) ~= "number" then
    return fail("must return access_key_id, access_key_secret and, where they apply, security_token and expires_at")
  end
  found = {
    access_key_id = found.access_key_id,
    access_key_secret = found.access_key_secret,
    security_token = found.security_token,
    expires_at = found.expires_at,
  }
  if found.expires_at then kept[provide] = found end
  return found
end
