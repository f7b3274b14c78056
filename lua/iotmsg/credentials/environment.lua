-- Access keys from the environment variables that the vendors' own SDKs read.

local environment = require "iotmsg.environment"
local Error = require "iotmsg.error"

---@param id string names of environment variables
---@param secret string
---@param token string
---@return fun(): iotmsg.Credentials?, iotmsg.Error? source err of kind credentials: one variable without the other
return function(id, secret, token)
  local found, broken
  if environment[id] and environment[secret] then
    found = {
      access_key_id = environment[id],
      access_key_secret = environment[secret],
      security_token = environment[token],
    }
    for _, name in ipairs { id, secret, token } do
      if (environment[name] or ""):find("[%z\r\n]") then broken = name end
    end
  end
  return function()
    if broken then
      return nil, Error.new { kind = "credentials", message = broken .. " holds CR, LF or NUL" }
    end
    if found then return found end
    if environment[id] or environment[secret] then
      return nil, Error.new {
        kind = "credentials",
        message = ("%s is set but %s is not"):format(environment[id] and id or secret,
          environment[id] and secret or id),
      }
    end
  end
end
