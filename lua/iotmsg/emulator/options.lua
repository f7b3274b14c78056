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

On stdout it prints `export` lines for the shell, the last line is "# iotmsg emulator is ready".
]]

local FLAGS = { ["--plain"] = "plain", ["--quiet"] = "quiet", ["--help"] = "help" }
local VALUES = {
  ["--listen"] = "listen",
  ["--mqtt"] = "mqtt",
  ["--dir"] = "dir",
  ["--access-key-id"] = "access_key_id",
  ["--access-key-secret"] = "access_key_secret",
  ["--security-token"] = "security_token",
}

local options = { USAGE = USAGE }

local function read_address(text)
  local host, port = text:match("^%[([%x:.]+)%]:(%d+)$")
  if not host then
    host, port = text:match("^([^:%[%]%s]+):(%d+)$")
  end
  port = tonumber(port)
  return host and port <= 65535 and { host = host, port = port } or nil
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

---@param argv string[]
---@return iotmsg.emulator.options|nil
---@return string|nil problem
function options.parse(argv)
  local found = {
    listen = "127.0.0.1:8443", access_key_id = "emulator-key", access_key_secret = "emulator-secret",
  }
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
  for _, name in ipairs({ "listen", "mqtt" }) do
    if found[name] then
      local address = read_address(found[name])
      if not address then
        return nil, ("--%s wants HOST:PORT, not %s"):format(name, found[name])
      end
      found[name] = address
    end
  end
  return found
end

return options
