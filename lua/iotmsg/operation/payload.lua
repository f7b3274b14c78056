-- Rules that several operations share: the payload, user properties, correlation data, MQTT topics. Pure.

local json = require "iotmsg.json"
local text = require "iotmsg.text"

local M = {}

---@param limit integer bytes
---@return iotmsg.Rule
function M.payload(limit)
  local function read(value)
    if type(value) == "table" then
      local encoded, path, what = json.encode(value, "payload")
      if not encoded then return nil, what, path end
      value = encoded
    elseif type(value) ~= "string" then
      return nil, ("must be a string of bytes, or a table to send as JSON, not a %s"):format(type(value))
    end
    if #value > limit then return nil, ("is %d bytes long; the limit is %d"):format(#value, limit) end
    return value
  end
  return { name = "payload", type = "any", required = true, read = read }
end

-- MQTT 5.0 section 1.5.4: a string has at most 65,535 bytes.
M.STRING_MAX = 65535

local function read_text(value, max)
  if type(value) ~= "string" then return "must be a string, not a " .. type(value) end
  if #value > max then return ("is %d bytes long; the limit is %d"):format(#value, max) end
  if not text.is_utf8(value) then return "must be valid UTF-8" end
  if value:find("[%z\r\n]") then return "must not contain CR, LF or NUL" end
end

-- { { key, value }, … } in its order, nothing beside it; at: where something is wrong.
local function read_pairs(name, list)
  local count = 0
  for index, pair in pairs(list) do
    local at = ("%s[%s]"):format(name, tostring(index))
    if type(index) ~= "number" then return nil, "mixes names and pairs", name end
    if type(pair) ~= "table" then return nil, "must be a { key, value } pair", at end
    for part in pairs(pair) do
      if part ~= 1 and part ~= 2 then return nil, "must be a { key, value } pair", at end
    end
    count = count + 1
  end
  if count ~= #list then return nil, "is an array with holes", name end
  local properties = {}
  for i, pair in ipairs(list) do properties[i] = { pair[1], pair[2], ("%s[%d]"):format(name, i) } end
  return properties
end

-- A map, sorted by key.
local function read_map(name, map)
  local properties = {}
  for key, value in pairs(map) do
    properties[#properties + 1] = { key, value, name .. "." .. tostring(key) }
  end
  table.sort(properties, function(a, b) return a[3] < b[3] end)
  return properties
end

local function check_property(property, limits)
  local key, value = property[1], property[2]
  if type(key) ~= "string" or key == "" then return "must have a key that is a non-empty string" end
  local what = read_text(key, limits.key_max or M.STRING_MAX)
  if what then return what end
  what = read_text(value, limits.value_max or M.STRING_MAX)
  if what then return what end
  return limits.check and limits.check(key, value)
end

---A map, sent sorted by key, or an array of { key, value } pairs in their order.
---@param limits table count, key_max, value_max (bytes), check(key, value) -> what is wrong
---@return iotmsg.Rule
function M.user_properties(limits)
  local name = "user_properties"
  local function read(value)
    if type(value) ~= "table" then
      return nil, "must be a map, or an array of { key, value } pairs, not a " .. type(value)
    end
    local reader = value[1] ~= nil and read_pairs or read_map
    local properties, what, field = reader(name, value)
    if not properties then return nil, what, field end
    if #properties > limits.count then return nil, ("has more than %d properties"):format(limits.count) end
    for _, property in ipairs(properties) do
      what = check_property(property, limits)
      if what then return nil, what, property[3] end
    end
    return properties
  end
  return { name = name, type = "any", read = read }
end

-- MQTT 5.0 section 4.7: a topic to publish to has no wildcards.
---@param value string
---@return string? value
---@return string? what
function M.topic(value)
  if value:find("[+#]") then return nil, "must not contain the wildcards + and #" end
  return value
end

---@param name string
---@param required boolean?
---@return iotmsg.Rule
function M.topic_rule(name, required)
  return { name = name, type = "string", required = required, max = M.STRING_MAX, read = M.topic }
end

return M
