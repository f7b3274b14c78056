-- One MQTT 5 connection: a socket to the broker, opened as far as CONNACK, and packets read from it.
-- Who publishes what over it is mqtt.lua's matter; how packets look is mqtt_packet.lua's.

local socket = require "cqueues.socket"

local packet = require "iotmsg.emulator.mqtt_packet"

local CONNECT_TIMEOUT_S = 3

local mqtt_connection = {}

local function return_error(_, _, code)
  return code
end

---Reads one packet.
---@param connection table a cqueues socket
---@return integer|nil kind nil when the connection is gone
---@return string|nil body
function mqtt_connection.read(connection)
  local first = connection:xread(1)
  if not first then
    return nil
  end
  local length, weight = 0, 1
  repeat
    local digit = connection:xread(1)
    if not digit or weight > 2097152 then
      return nil
    end
    local value = digit:byte()
    length = length + value % 128 * weight
    weight = weight * 128
  until value < 128
  local body = length == 0 and "" or connection:xread(length)
  if not body then
    return nil
  end
  return math.floor(first:byte() / 16), body
end

---@param address table { host, port } or { path } of a UNIX socket
---@param keepalive_s integer
---@return table|nil connection a cqueues socket
---@return table|string limits what the broker asks for (mqtt_packet.read_connack), or the problem
function mqtt_connection.open(address, keepalive_s)
  local connection, problem = socket.connect(address)
  if not connection then
    return nil, tostring(problem)
  end
  connection:onerror(return_error)
  connection:setmode("b", "bf")
  local ok = connection:connect(CONNECT_TIMEOUT_S)
  if not ok then
    connection:close()
    return nil, "it does not accept connections"
  end
  connection:settimeout(CONNECT_TIMEOUT_S)
  connection:xwrite(packet.connect("", keepalive_s), "n")
  local kind, body = mqtt_connection.read(connection)
  if kind ~= packet.CONNACK then
    connection:close()
    return nil, "it does not answer as an MQTT 5 broker"
  end
  local reason, limits = packet.read_connack(body)
  if reason ~= 0 then
    connection:close()
    return nil, ("it refuses the connection (MQTT reason code 0x%02X)"):format(reason)
  end
  connection:settimeout(nil)
  return connection, limits
end

return mqtt_connection
