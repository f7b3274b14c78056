-- A real MQTT 5 device for specs: mosquitto_sub as a child, its output taken apart byte by byte.
-- A record is framed by a random word, so that no topic, property or payload can imitate its end.

local cjson = require "cjson"

local process = require "spec.support.process"

local unpack = table.unpack or unpack -- luacheck: ignore 113 143

local SUBSCRIBE_TIMEOUT_S = 10

local device = {}
device.__index = device

local seed = 0

local function new_frame()
  seed = seed + 1
  return ("frame%d%d%s"):format(os.time(), seed, tostring({}):match("%x+$"))
end

---Subscribes and returns once the broker acknowledged it.
---@param host string
---@param port integer
---@param topic string a topic or a filter
---@param qos integer|nil 0 or 1 (1)
---@return table device
function device.subscribe(host, port, topic, qos)
  local frame = new_frame()
  local format = frame .. "{\\n%q\\n%r\\n%F\\n%E\\n%t\\n%C\\n%R\\n%x\\n%j\\n%D" .. frame .. "}"
  local child = process.start({
    "stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-d", "-h", host, "-p", tostring(port),
    "-q", tostring(qos or 1), "-t", topic, "-F", format,
  })
  local self = setmetatable({ process = child, frame = frame }, device)
  local subscribed = child:wait_until(function()
    return child:peek():find("Subscribed (mid: 1): ", 1, true) or not child:alive()
  end, SUBSCRIBE_TIMEOUT_S)
  if not subscribed or not child:alive() then
    child:stop()
    error(("mosquitto_sub could not subscribe to %s: %s%s"):format(topic, child.buffer, child:errors()), 2)
  end
  return self
end

-- The user properties in mosquitto_sub's JSON, in order; as an object it repeats keys, which decoders lose.
local function read_user_properties(json)
  local _, at = json:find("\"user-properties\":{", 1, true)
  if not at then
    return nil
  end
  local texts = {}
  at = at + 1
  while json:sub(at, at) ~= "}" do
    if json:sub(at, at) == "\"" then
      local finish = at
      repeat
        finish = finish + 1
        local char = json:sub(finish, finish)
        if char == "\\" then
          finish = finish + 1
        end
      until char == "\""
      texts[#texts + 1] = cjson.decode("[" .. json:sub(at, finish) .. "]")[1]
      at = finish
    end
    at = at + 1
  end
  local pairs_found = {}
  for index = 1, #texts, 2 do
    pairs_found[#pairs_found + 1] = { texts[index], texts[index + 1] }
  end
  return pairs_found
end

local function not_empty(text)
  return text ~= "" and text or nil
end

local function parse(record)
  local lines, at = {}, 2
  for index = 1, 9 do
    local finish = assert(record:find("\n", at, true), "mosquitto_sub printed a record of another shape")
    lines[index], at = record:sub(at, finish - 1), finish + 1
  end
  local qos, retain, indicator, expiry, topic, content_type, response_topic, hex, json = unpack(lines)
  return {
    topic = topic,
    qos = tonumber(qos),
    retain = retain == "1",
    payload = (hex:gsub("%x%x", function(digits)
      return string.char(tonumber(digits, 16))
    end)),
    payload_format_indicator = tonumber(indicator),
    message_expiry_interval = tonumber(expiry),
    content_type = not_empty(content_type),
    response_topic = not_empty(response_topic),
    correlation_data = not_empty(record:sub(at)),
    user_properties = read_user_properties(json),
  }
end

---The next message, in the order of arrival.
---@param timeout_s number|nil (5)
---@return table|nil message { topic, qos, retain, payload and, where sent: payload_format_indicator,
---  message_expiry_interval, content_type, response_topic, correlation_data,
---  user_properties = { { key, value }, … } }
---@return string|nil problem "timeout"
function device:receive(timeout_s)
  local child = self.process
  local opening, closing = self.frame .. "{", self.frame .. "}"
  local start, first, last, finish
  child:wait_until(function()
    local text = child:peek()
    start, first = text:find(opening, 1, true)
    if start then
      last, finish = text:find(closing, first, true)
    end
    return last
  end, timeout_s or 5)
  if not last then
    return nil, "timeout"
  end
  local record = child:peek():sub(first + 1, last - 1)
  child:take(finish)
  return parse(record)
end

function device:stop()
  return self.process:stop()
end

return device
