-- Who is calling: the sources of credentials of each cloud, asked in turn. A source is a function of the settings and
-- the message; it returns credentials; or nothing when it has none to offer; or nil and an error when it should have
-- had some; or nil, nil and a fetch that is under way, which the call joins.

local environment = require "iotmsg.credentials.environment"
local Error = require "iotmsg.error"
local given = require "iotmsg.credentials.given"
local provider = require "iotmsg.credentials.provider"
local token = require "iotmsg.credentials.token"

---@class iotmsg.Credentials
---@field access_key_id string?
---@field access_key_secret string?
---@field security_token string?
---@field auth_token string? Huawei: instead of a signature
---@field expires_at number? Unix seconds
---@field forget fun()? drops them from their source's memory: the cloud refused them

local M = {}

local function chain(sources, advice)
  return function(settings, message)
    for i = 1, #sources do
      local found, err, fetch = sources[i](settings, message)
      if found or err or fetch then return found, err, fetch end
    end
    return nil, Error.new { kind = "credentials", message = "no credentials: " .. advice() }
  end
end

-- What to set, with the lines that nginx needs: it hides the environment from its workers.
local function advice_for(id, secret, others)
  return function()
    local text = ("set the environment variables %s and %s, or pass the options access_key_id and access_key_secret%s")
      :format(id, secret, others)
    if not rawget(_G, "ngx") then return text end
    return ('%s; nginx hides the environment from its workers: add the lines "env %s;" and "env %s;" to nginx.conf')
      :format(text, id, secret)
  end
end

local ALIYUN_ID, ALIYUN_SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
M.aliyun = chain({
  given,
  provider,
  environment(ALIYUN_ID, ALIYUN_SECRET, "ALIBABA_CLOUD_SECURITY_TOKEN"),
}, advice_for(ALIYUN_ID, ALIYUN_SECRET, ", or credentials"))

local HUAWEI_ID, HUAWEI_SECRET = "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"
M.huawei = chain({
  given,
  token,
  provider,
  environment(HUAWEI_ID, HUAWEI_SECRET, "HUAWEICLOUD_SDK_SECURITY_TOKEN"),
}, advice_for(HUAWEI_ID, HUAWEI_SECRET, ", or auth_token, or username, password and domain_name, or credentials"))

return M
