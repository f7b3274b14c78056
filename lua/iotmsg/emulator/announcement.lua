-- What the emulator tells its operator when it is ready: lines that a shell can `eval`.

local cloud = require "iotmsg.emulator.cloud"
local keeper = require "iotmsg.emulator.keeper"

local announcement = {}

-- Where a server that listens everywhere is reached from here.
local REACHED_AT = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "::1" }

local function authority(host, port)
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end

---@param file table written and flushed; the last line says that everything is ready
---@param options iotmsg.emulator.options
---@param running table { server, broker, identity }
function announcement.write(file, options, running)
  local host = REACHED_AT[options.listen.host] or options.listen.host
  local scheme = options.plain and "http://" or "https://"
  local endpoint = scheme .. authority(host, running.server.port)
  local lines = {
    { "IOTMSG_ENDPOINT", endpoint },
    { "IOTMSG_HUAWEI_ENDPOINT", endpoint },
    { "IOTMSG_CA_FILE", running.identity and running.identity.ca_file },
    { "ALIBABA_CLOUD_ACCESS_KEY_ID", options.access_key_id },
    { "ALIBABA_CLOUD_ACCESS_KEY_SECRET", options.access_key_secret },
    { "ALIBABA_CLOUD_SECURITY_TOKEN", options.security_token },
    { "HUAWEICLOUD_SDK_AK", options.access_key_id },
    { "HUAWEICLOUD_SDK_SK", options.access_key_secret },
    { "HUAWEICLOUD_SDK_SECURITY_TOKEN", options.security_token },
    { "HUAWEICLOUD_SDK_PROJECT_ID", options.project_id or cloud.PROJECT_ID },
    { "HUAWEICLOUD_SDK_IAM_ENDPOINT", endpoint },
    { "IOTMSG_EMULATOR_MQTT", authority(running.broker.host, running.broker.port) },
  }
  for _, line in ipairs(lines) do
    if line[2] then
      file:write("export ", line[1], "=", keeper.quote(line[2]), "\n")
    end
  end
  file:write("# iotmsg emulator is ready\n")
  file:flush()
end

return announcement
