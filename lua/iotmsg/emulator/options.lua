-- The emulator's command line: text in, a table of options or one line that says what is wrong out.

local USAGE = [[
Usage: iotmsg emulator [options]

A local stand-in for the cloud: verifies and answers requests as it does, and delivers to a real MQTT broker.

  --listen HOST:PORT          where to serve (127.0.0.1:8443; port 0: any free port)
  --mqtt HOST:PORT            the MQTT 5 broker to publish to (a private mosquitto of its own)
  --dir DIR                   keep CA and certificate there and use them again (a folder removed at the end)
  --plain                     HTTP instead of HTTPS
  --access-key-id ID          the only key it knows (emulator-key)
  --access-key-secret SECRET  its secret (emulator-secret)
  --security-token TOKEN      demand this STS token with it
  --quiet                     no line per request on stderr
  --help                      this text

Alibaba Cloud:
  --iot-instance-id ID        IotInstanceId must be this one (any, or none)
  --instance-id ID            SendMessage's InstanceId must be this one (any)
  --business-status STATUS    HTTP status of the IoT Platform's business errors (200; its pages also say 400)

Huawei Cloud, with the same key and token:
  --project-id ID             the only project it knows (any)
  --huawei-derived            be a dedicated instance: demand V11-HMAC-SHA256 instead of SDK-HMAC-SHA256
  --huawei-region REGION      in the scope of that signature (cn-north-4)
  --iam-user NAME             who can fetch a token from /v3/auth/tokens (emulator-user)
  --iam-password PASSWORD     (emulator-password)
  --iam-domain NAME           (emulator-domain)
  --token-lifetime SECONDS    how long a token is good (86400)
  --ttl-minute SECONDS        how long a minute of a message's ttl lasts (60)

Devices:
  --unknown-devices A,B       devices that AsyncRRpc and Huawei do not know; every other one exists
A device is online when somebody subscribes to the topic of the message, and inactive when no subscription ever named
it; what waits for a Huawei device is delivered when it subscribes. With --mqtt nobody can tell: every device counts as
online. A device behind a GB/T 32960 gateway receives on /PRODUCT_KEY/DEVICE_NAME/gbt32960/COMMAND_TYPE. The receiver of
a P2P message (TOPIC/p2p/CLIENT_ID) must subscribe to its topic, which the cloud does not demand.

Misbehaviour, only when it listens on a loopback address: POST, GET and DELETE /_emulator/rules. A rule:
  {"match": {"action": "Pub", "device": "d1"}, "times": 3, "rate": 0.5, "do": {"throttle": true}}
All but "do" may be left out; the first rule that applies to a request counts. Actions: Pub, AsyncRRpc, SendMessage,
CreateMessage, ListDeviceMessages, ShowDeviceMessage, KeystoneCreateUserTokenByPassword, KeystoneListProjects.
"do" is one of
  "error": {"status": 400, "code": "X", "message": "Y"}, "throttle": true, "html": STATUS,
  "reply": {"status": 201, "content_type": "application/json", "body": "{}"}
and any of "delay_ms": N, "clock_offset_s": N, "huge": BYTES, "double": true,
  "cut": "before" (nothing is carried out), "head" or "body" (it is; then the reply is cut there).

On stdout it prints `export` lines for the shell, the last line is "# iotmsg emulator is ready".
]]

local FLAGS = {
  ["--plain"] = "plain", ["--quiet"] = "quiet", ["--help"] = "help", ["--huawei-derived"] = "huawei_derived",
}
local VALUES = {}
for _, name in ipairs({
  "listen", "mqtt", "dir", "access-key-id", "access-key-secret", "security-token", "iot-instance-id", "instance-id",
  "business-status", "project-id", "huawei-region", "iam-user", "iam-password", "iam-domain", "token-lifetime",
  "ttl-minute", "unknown-devices",
}) do
  VALUES["--" .. name] = name:gsub("-", "_")
end
local NUMBERS = { "business_status", "token_lifetime", "ttl_minute" }
local ADDRESSES = { "listen", "mqtt" }

local function defaults()
  return {
    listen = "127.0.0.1:8443", access_key_id = "emulator-key", access_key_secret = "emulator-secret",
    business_status = "200", huawei_region = "cn-north-4", iam_user = "emulator-user",
    iam_password = "emulator-password", iam_domain = "emulator-domain", token_lifetime = "86400", ttl_minute = "60",
  }
end

local options = { USAGE = USAGE }

local function read_address(text)
  local host, port = text:match("^%[([%x:.]+)%]:(%d+)$")
  if not host then
    host, port = text:match("^([^:%[%]%s]+):(%d+)$")
  end
  port = tonumber(port)
  return host and port <= 65535 and { host = host, port = port } or nil
end

-- Turns texts into addresses and numbers, in place.
local function convert(found)
  for _, name in ipairs(ADDRESSES) do
    if found[name] then
      local address = read_address(found[name])
      if not address then
        return ("--%s wants HOST:PORT, not %s"):format(name, found[name])
      end
      found[name] = address
    end
  end
  for _, name in ipairs(NUMBERS) do
    local number = #found[name] < 12 and found[name]:find("^%d+%.?%d*$") and tonumber(found[name])
    if not number then
      return ("--%s wants a number, not %s"):format(name:gsub("_", "-"), found[name])
    end
    found[name] = number % 1 == 0 and math.floor(number) or number
  end
end

---@class iotmsg.emulator.options
---@field listen table { host, port }
---@field mqtt table|nil { host, port }
---@field dir string|nil
---@field plain boolean|nil
---@field quiet boolean|nil
---@field help boolean|nil
---@field access_key_id string
---@field access_key_secret string
---@field security_token string|nil
---@field iot_instance_id string|nil
---@field instance_id string|nil
---@field business_status number
---@field project_id string|nil
---@field huawei_derived boolean|nil
---@field huawei_region string
---@field iam_user string
---@field iam_password string
---@field iam_domain string
---@field token_lifetime number seconds
---@field ttl_minute number seconds
---@field unknown_devices string|nil separated by commas

---@param argv string[]
---@return iotmsg.emulator.options|nil
---@return string|nil problem
function options.parse(argv)
  local found = defaults()
  local at = 1
  while at <= #argv do
    local word, inline = argv[at], nil
    if word:find("^%-%-[%a-]+=") then
      word, inline = word:match("^(%-%-[%a-]+)=(.*)$")
    end
    if FLAGS[word] and not inline then
      found[FLAGS[word]] = true
    elseif VALUES[word] then
      if not inline then
        at = at + 1
        inline = argv[at]
      end
      if not inline or inline == "" then
        return nil, word .. " needs a value"
      end
      if inline:find("%c") then
        return nil, word .. " must not contain control characters"
      end
      found[VALUES[word]] = inline
    else
      return nil, "unknown option " .. word
    end
    at = at + 1
  end
  local problem = convert(found)
  if problem then
    return nil, problem
  end
  return found
end

return options
