-- MQTT 5 packets as bytes: the few a publisher sends and the heads of the few it receives (OASIS MQTT 5.0,
-- chapters 2-3). Pure functions; sockets, waiting and retrying live in mqtt.lua.

local byte, char, concat, floor = string.byte, string.char, table.concat, math.floor

local packet = {}

packet.CONNACK = 2
packet.PUBACK = 4
packet.PINGRESP = 13
packet.DISCONNECT = 14
packet.PINGREQ_BYTES = "\192\0"
packet.DISCONNECT_BYTES = "\224\0"

-- Properties of PUBLISH in the order they are written: field of the message, identifier, how its value is
-- written.
local PUBLISH_PROPERTIES = {
  { "payload_format_indicator", 0x01, "byte" },
  { "message_expiry_interval", 0x02, "four" },
  { "content_type", 0x03, "string" },
  { "response_topic", 0x08, "string" },
  { "correlation_data", 0x09, "string" },
}
local USER_PROPERTY = 0x26

local function two_bytes(number)
  return char(floor(number / 256) % 256, number % 256)
end

local function four_bytes(number)
  return two_bytes(floor(number / 65536)) .. two_bytes(number % 65536)
end

local function length_prefixed(text)
  return two_bytes(#text) .. text
end

local function variable_length(number)
  local out = ""
  repeat
    local low = number % 128
    number = floor(number / 128)
    out = out .. char(number > 0 and low + 128 or low)
  until number == 0
  return out
end

local write = { byte = char, four = four_bytes, string = length_prefixed }

local function publish_properties(message)
  local out = {}
  for _, property in ipairs(PUBLISH_PROPERTIES) do
    local value = message[property[1]]
    if value ~= nil then
      out[#out + 1] = char(property[2]) .. write[property[3]](value)
    end
  end
  for _, pair in ipairs(message.user_properties or {}) do
    out[#out + 1] = char(USER_PROPERTY) .. length_prefixed(pair[1]) .. length_prefixed(pair[2])
  end
  local all = concat(out)
  return variable_length(#all) .. all
end

---@param client_id string
---@param keepalive_s integer
---@return string
function packet.connect(client_id, keepalive_s)
  local body = "\0\4MQTT\5\2" .. two_bytes(keepalive_s) .. "\0" .. length_prefixed(client_id)
  return "\16" .. variable_length(#body) .. body
end

---@class iotmsg.emulator.message
---@field topic string
---@field payload string
---@field qos integer 0 or 1
---@field retain boolean|nil
---@field payload_format_indicator integer|nil 0 or 1
---@field message_expiry_interval integer|nil seconds
---@field content_type string|nil
---@field response_topic string|nil
---@field correlation_data string|nil raw bytes
---@field user_properties string[][]|nil pairs of key and value, in order

---@param message iotmsg.emulator.message
---@param packet_id integer|nil 1..65535 when the QoS is 1
---@return string
function packet.publish(message, packet_id)
  local head = length_prefixed(message.topic)
  if message.qos > 0 then
    head = head .. two_bytes(packet_id)
  end
  head = head .. publish_properties(message)
  local first = 48 + message.qos * 2 + (message.retain and 1 or 0)
  return char(first) .. variable_length(#head + #message.payload) .. head .. message.payload
end

---@param body string of a PUBACK
---@return integer packet_id
---@return integer reason_code below 128 means that the broker took the message
function packet.read_puback(body)
  local high, low, reason = byte(body, 1, 3)
  return (high or 0) * 256 + (low or 0), reason or 0
end

local PROPERTY_BYTES = {
  [0x11] = 4, [0x13] = 2, [0x21] = 2, [0x22] = 2, [0x24] = 1, [0x25] = 1, [0x27] = 4, [0x28] = 1, [0x29] = 1,
  [0x2A] = 1,
}

---@param body string of a CONNACK
---@return integer reason_code 0 means connected
---@return table limits { receive_maximum, keepalive_s }
function packet.read_connack(body)
  local limits = { receive_maximum = 65535 }
  local reason = byte(body, 2) or 255
  local at = 4
  while at <= #body do
    local id = byte(body, at)
    local size = PROPERTY_BYTES[id]
    local high, low = byte(body, at + 1, at + 2)
    if id == 0x21 and low then
      limits.receive_maximum = high * 256 + low
    elseif id == 0x13 and low then
      limits.keepalive_s = high * 256 + low
    end
    if size then
      at = at + 1 + size
    elseif low and id == USER_PROPERTY then
      local key_end = at + 3 + high * 256 + low
      local value_high, value_low = byte(body, key_end, key_end + 1)
      at = value_low and key_end + 2 + value_high * 256 + value_low or #body + 1
    else
      at = low and at + 3 + high * 256 + low or #body + 1
    end
  end
  return reason, limits
end

---Whether a broker takes this topic for publishing; a broker drops the whole connection over a bad one.
---@param topic string
---@return boolean
function packet.is_topic(topic)
  local _, levels = topic:gsub("/", "")
  return topic ~= "" and levels <= 199 and not topic:find("[+#]") and packet.is_text(topic)
end

-- What the first byte of a UTF-8 sequence of this many bytes carries besides the character's bits.
local LEAD = { [1] = 0, [2] = 192, [3] = 224, [4] = 240 }

---Whether a broker takes this as an MQTT string: UTF-8 without control characters (MQTT 5.0, 1.5.4).
---@param text string
---@return boolean
function packet.is_text(text)
  if #text > 65535 or text:find("%c") then
    return false
  end
  local at, length = text:find("[\128-\255]") or #text + 1, #text
  while at <= length do
    local first = byte(text, at)
    local size = first < 128 and 1 or first < 194 and 0 or first < 224 and 2 or first < 240 and 3
      or first < 245 and 4 or 0
    local code = first - (LEAD[size] or 0)
    for offset = 1, size - 1 do
      local following = byte(text, at + offset) or 0
      if following < 128 or following > 191 then
        return false
      end
      code = code * 64 + following - 128
    end
    local overlong = (size == 3 and code < 0x800) or (size == 4 and code < 0x10000)
    local surrogate = code >= 0xD800 and code <= 0xDFFF
    local noncharacter = (code >= 0xFDD0 and code <= 0xFDEF) or code % 0x10000 >= 0xFFFE
    local control = code >= 0x80 and code <= 0x9F
    if size == 0 or overlong or surrogate or noncharacter or control or code > 0x10FFFF then
      return false
    end
    at = at + size
  end
  return true
end

return packet
