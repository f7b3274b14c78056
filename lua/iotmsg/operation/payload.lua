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

local function read_property(key, value, at)
  if type(key) ~= "string" or key == "" then return nil, "must have a key that is a non-empty string", at end
  if type(value) ~= "string" then return nil, "must be a string, not a " .. type(value), at end
  if not text.is_utf8(key) or not text.is_utf8(value) then return nil, "must be valid UTF-8", at end
  if (key .. value):find("[%z\r\n]") then return nil, "must not contain CR, LF or NUL", at end
  return { key, value }
end

-- Walks { { key, value }, … } in its order; what is no pair has no key.
local function pairs_of_array(name, list)
  local i = 0
  return function()
    i = i + 1
    local pair = list[i]
    if pair == nil then return end
    if type(pair) ~= "table" then pair = {} end
    return ("%s[%d]"):format(name, i), pair[1], pair[2]
  end
end

-- Walks a map sorted by key.
local function pairs_of_map(name, map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  local i = 0
  return function()
    i = i + 1
    local key = keys[i]
    if key == nil then return end
    return name .. "." .. tostring(key), key, map[key]
  end
end

---A map, sent sorted by key, or an array of { key, value } pairs in their order.
---@param limit integer how many
---@return iotmsg.Rule
function M.user_properties(limit)
  local name = "user_properties"
  local function read(value)
    if type(value) ~= "table" then
      return nil, "must be a map, or an array of { key, value } pairs, not a " .. type(value)
    end
    local list, pair_of = {}, pairs_of_array
    if value[1] == nil then pair_of = pairs_of_map end
    for at, key, item in pair_of(name, value) do
      local property, what, field = read_property(key, item, at)
      if not property then return nil, what, field end
      list[#list + 1] = property
      if #list > limit then return nil, ("has more than %d properties"):format(limit) end
    end
    return list
  end
  return { name = name, type = "any", read = read }
end

-- MQTT 5.0 section 4.7: a topic to publish to has no wildcards, and at most 65,535 bytes.
M.TOPIC_MAX = 65535

---@param value string
---@return string? value
---@return string? what
function M.topic(value)
  if value:find("[+#]") then return nil, "must not contain the wildcards + and #" end
  return value
end

return M
