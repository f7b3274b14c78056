-- Starts the real emulator as a child program for a spec and tells what it announced.
-- It runs on the interpreter that runs the spec, and ends with it.

local process = require "spec.support.process"

local START_TIMEOUT_S = 20

local emulator = {}

local handle = {}
handle.__index = handle

---Ends the emulator and, with it, its broker.
---@return integer|nil status
function handle:stop()
  return self.process:stop()
end

---@return string its log: one line per request, unless it runs with --quiet
function handle:log()
  return self.process:errors()
end

local function unquote(word)
  if word:sub(1, 1) == "'" then
    return (word:sub(2, -2):gsub("'\\''", "'"))
  end
  return word
end

-- Lua 5.1 has no `arg` in -e, so the words become part of the chunk.
local function command(words)
  local quoted = {}
  for index, word in ipairs(words) do
    quoted[index] = ("%q"):format(word)
  end
  local chunk = "os.exit(require('iotmsg.emulator').main({" .. table.concat(quoted, ",") .. "}))"
  return { process.interpreter(), "-e", chunk }
end

---@class iotmsg.spec.emulator
---@field endpoint string
---@field ca_file string|nil
---@field access_key_id string
---@field access_key_secret string
---@field security_token string|nil
---@field huawei_endpoint string
---@field project_id string
---@field mqtt_host string
---@field mqtt_port integer
---@field process table

---@param options table|nil { args = extra command line words, listen = "HOST:PORT" }
---@return iotmsg.spec.emulator
function emulator.start(options)
  options = options or {}
  local words = { "--listen", options.listen or "127.0.0.1:0" }
  for _, word in ipairs(options.args or {}) do
    words[#words + 1] = word
  end
  local child = process.start(command(words))
  local announced = {}
  repeat
    local line = child:read_line(START_TIMEOUT_S)
    if not line then
      child:stop()
      error("the emulator did not start: " .. child:errors(), 2)
    end
    local name, value = line:match("^export ([%w_]+)=(.*)$")
    if name then
      announced[name] = unquote(value)
    end
  until line == "# iotmsg emulator is ready"
  local host, port = announced.IOTMSG_EMULATOR_MQTT:match("^(.*):(%d+)$")
  return setmetatable({
    process = child,
    endpoint = announced.IOTMSG_ENDPOINT,
    ca_file = announced.IOTMSG_CA_FILE,
    access_key_id = announced.ALIBABA_CLOUD_ACCESS_KEY_ID,
    access_key_secret = announced.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
    security_token = announced.ALIBABA_CLOUD_SECURITY_TOKEN,
    huawei_endpoint = announced.IOTMSG_HUAWEI_ENDPOINT,
    project_id = announced.HUAWEICLOUD_SDK_PROJECT_ID,
    mqtt_host = host,
    mqtt_port = tonumber(port),
  }, handle)
end

return emulator
