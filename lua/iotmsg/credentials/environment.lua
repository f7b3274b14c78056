-- Access keys from the environment variables that Alibaba's own SDKs read.

local environment = require "iotmsg.environment"
local Error = require "iotmsg.error"

local ID, SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"

local found
if environment[ID] and environment[SECRET] then
  found = {
    access_key_id = environment[ID],
    access_key_secret = environment[SECRET],
    security_token = environment.ALIBABA_CLOUD_SECURITY_TOKEN,
  }
end

---@return iotmsg.Credentials?
---@return iotmsg.Error? err kind credentials: one variable without the other
return function()
  if found then return found end
  if environment[ID] or environment[SECRET] then
    return nil, Error.new {
      kind = "credentials",
      message = ("%s is set but %s is not"):format(
        environment[ID] and ID or SECRET, environment[ID] and SECRET or ID),
    }
  end
end
