-- Access keys from a function of the user's: option credentials = function() return { access_key_id = …, … } end, or
-- the same as values in this order. What it returns is kept until shortly before its expires_at (Unix seconds);
-- without one the function is asked for each try.

local core = require "iotmsg.core"
local Error = require "iotmsg.error"

local EARLY_S = 60

local kept = setmetatable({}, { __mode = "k" }) -- function -> its last credentials

local function fail(what)
  return nil, Error.new { kind = "credentials", message = "the credentials function " .. what }
end

local function is_clean(text)
  return type(text) == "string" and text ~= "" and not text:find("[%z\r\n]")
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
  local got = id
  if type(id) ~= "table" then
    got = { access_key_id = id, access_key_secret = secret, security_token = token, expires_at = expires_at }
  end
  local found = {
    access_key_id = got.access_key_id,
    access_key_secret = got.access_key_secret,
    security_token = got.security_token,
    expires_at = got.expires_at,
  }
  if found.security_token == "" then found.security_token = nil end
  if not is_clean(found.access_key_id) or not is_clean(found.access_key_secret)
    or found.security_token ~= nil and not is_clean(found.security_token) then
    return fail("must return access_key_id, access_key_secret and, where it applies, security_token: non-empty "
      .. "strings without CR, LF and NUL")
  end
  if found.expires_at ~= nil and type(found.expires_at) ~= "number" then
    return fail("must return expires_at as Unix seconds")
  end
  if found.expires_at then
    kept[provide] = found
    found.forget = function() found.expires_at = 0 end
  end
  return found
end
