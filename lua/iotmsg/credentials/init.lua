-- Who is calling: the sources of access keys, asked in turn. A source is a function of the settings that returns
-- credentials, or nothing when it has none to offer, or nil and an error when it should have had some.

local Error = require "iotmsg.error"

---@class iotmsg.Credentials
---@field access_key_id string
---@field access_key_secret string
---@field security_token string?
---@field expires_at number? Unix seconds

local M = {}

local SOURCES = {
  require "iotmsg.credentials.given",
  require "iotmsg.credentials.provider",
  require "iotmsg.credentials.environment",
}

---@param settings table
---@return iotmsg.Credentials?
---@return iotmsg.Error? err kind credentials
function M.get(settings)
  for i = 1, #SOURCES do
    local found, err = SOURCES[i](settings)
    if found or err then return found, err end
  end
  local message = "no credentials: set the environment variables ALIBABA_CLOUD_ACCESS_KEY_ID and "
    .. "ALIBABA_CLOUD_ACCESS_KEY_SECRET, or pass the options access_key_id and access_key_secret, or credentials"
  if rawget(_G, "ngx") then
    message = message .. "; nginx hides the environment from its workers: add the lines "
      .. '"env ALIBABA_CLOUD_ACCESS_KEY_ID;" and "env ALIBABA_CLOUD_ACCESS_KEY_SECRET;" to nginx.conf'
  end
  return nil, Error.new { kind = "credentials", message = message }
end

return M
