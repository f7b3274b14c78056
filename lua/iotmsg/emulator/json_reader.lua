-- Reads JSON (RFC 8259) strictly: UTF-8, no name twice, each value with its place in the text. How a value is passed on
-- or written is json.lua's matter.

local unicode = require "iotmsg.emulator.unicode"

local byte, concat, find, sub = string.byte, table.concat, string.find, string.sub

local DEPTH_MAX = 100

---@class iotmsg.emulator.json
---@field kind string "object", "array", "string", "number", "boolean" or "null"
---@field value any object: map from name to node; array: list of nodes; else the Lua value, nil for null
---@field names string[]|nil of an object, in order
---@field from integer
---@field to integer where it stands in the text

local UNESCAPED = {
  ["\""] = "\"", ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}
local LITERALS = { t = { "true", "boolean", true }, f = { "false", "boolean", false }, n = { "null", "null" } }

local function blank(text, at)
  return find(text, "[^ \t\r\n]", at) or #text + 1
end

-- `\uD83D\uDE00` is one character.
local function read_escaped_code(text, at)
  local hex = text:match("^%x%x%x%x", at)
  local code = hex and tonumber(hex, 16)
  if not code or (code >= 0xDC00 and code <= 0xDFFF) then
    return nil
  end
  if code < 0xD800 or code > 0xDBFF then
    return unicode.char(code), at + 4
  end
  hex = text:match("^\\u([dD][c-fC-F]%x%x)", at + 4)
  if not hex then
    return nil
  end
  return unicode.char(0x10000 + (code - 0xD800) * 0x400 + tonumber(hex, 16) - 0xDC00), at + 10
end

local function read_string(text, at)
  local out = {}
  local from = at + 1
  while true do
    local special = find(text, "[%z\1-\31\"\\]", from)
    if not special then
      return nil
    end
    out[#out + 1] = sub(text, from, special - 1)
    local char = sub(text, special, special)
    if char == "\"" then
      return concat(out), special + 1
    elseif char ~= "\\" then
      return nil
    end
    local escape = sub(text, special + 1, special + 1)
    local plain
    plain, from = UNESCAPED[escape], special + 2
    if escape == "u" then
      plain, from = read_escaped_code(text, special + 2)
    end
    if not plain then
      return nil
    end
    out[#out + 1] = plain
  end
end

local function read_number(text, at)
  local _, last = find(text, "^%-?%d+", at)
  if not last or find(text, "^%-?0%d", at) then
    return nil
  end
  local _, fraction = find(text, "^%.%d+", last + 1)
  last = fraction or last
  local _, exponent = find(text, "^[eE][+-]?%d+", last + 1)
  last = exponent or last
  return tonumber(sub(text, at, last)), last + 1
end

local read_value

local function read_object(text, at, depth)
  local fields, names = {}, {}
  at = blank(text, at + 1)
  if byte(text, at) == 125 then
    return fields, at + 1, names
  end
  while true do
    local name, value
    if byte(text, at) ~= 34 then
      return nil
    end
    name, at = read_string(text, at)
    at = name and blank(text, at)
    -- A name given twice means something else to every reader.
    if not name or fields[name] or byte(text, at) ~= 58 then
      return nil
    end
    value, at = read_value(text, blank(text, at + 1), depth + 1)
    if not value then
      return nil
    end
    fields[name], names[#names + 1] = value, name
    at = blank(text, at)
    local char = byte(text, at)
    if char == 125 then
      return fields, at + 1, names
    elseif char ~= 44 then
      return nil
    end
    at = blank(text, at + 1)
  end
end

local function read_array(text, at, depth)
  local items = {}
  at = blank(text, at + 1)
  if byte(text, at) == 93 then
    return items, at + 1
  end
  while true do
    local value
    value, at = read_value(text, at, depth + 1)
    if not value then
      return nil
    end
    items[#items + 1] = value
    at = blank(text, at)
    local char = byte(text, at)
    if char == 93 then
      return items, at + 1
    elseif char ~= 44 then
      return nil
    end
    at = blank(text, at + 1)
  end
end

read_value = function(text, at, depth)
  local char = sub(text, at, at)
  local literal = LITERALS[char]
  if depth > DEPTH_MAX then
    return nil
  elseif literal then
    local last = at + #literal[1]
    if sub(text, at, last - 1) ~= literal[1] then
      return nil
    end
    return { kind = literal[2], value = literal[3], from = at, to = last - 1 }, last
  end
  local kind, value, following, names
  if char == "\"" then
    kind, value, following = "string", read_string(text, at)
  elseif char == "{" then
    kind, value, following, names = "object", read_object(text, at, depth)
  elseif char == "[" then
    kind, value, following = "array", read_array(text, at, depth)
  else
    kind, value, following = "number", read_number(text, at)
  end
  if value == nil then
    return nil
  end
  return { kind = kind, value = value, names = names, from = at, to = following - 1 }, following
end

---@param text string
---@return iotmsg.emulator.json|nil node nil when the text is not exactly one JSON value in UTF-8
return function(text)
  if not unicode.length(text) then
    return nil
  end
  local node, at = read_value(text, blank(text, 1), 1)
  if not node or blank(text, at) <= #text then
    return nil
  end
  return node
end
