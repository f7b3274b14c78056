-- JSON both ways. Encoding is ours: keys sorted, numbers exact or refused (lua-cjson prints 14 digits and keeps no
-- order). Decoding is lua-cjson's, in a private instance so that nobody's settings reach it, after long integers
-- were quoted: a message id beyond 2^53 arrives as the exact string.

local cjson = require "cjson"
local core = require "iotmsg.core"
local text = require "iotmsg.text"

local M = {}

local MAX_DEPTH = 100
local decoder = cjson.new()

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escape(char)
  return ESCAPES[char] or ("\\u%04x"):format(char:byte())
end

local function fail(path, what)
  error({ path = path, what = what }, 0)
end

local function encode_string(value, path)
  if not text.is_utf8(value) then fail(path, "is not valid UTF-8") end
  return '"' .. value:gsub('[%z\1-\31"\\\127]', escape) .. '"'
end

local function encode_number(value, path)
  if value ~= value or value == math.huge or value == -math.huge then
    fail(path, "is not a number that JSON has")
  end
  if value == math.floor(value) and value >= -2 ^ 53 and value <= 2 ^ 53 then
    return value == 0 and "0" or ("%d"):format(value)
  end
  if text.is_integer(value) then return tostring(value) end
  if value == math.floor(value) and math.abs(value) < 1e21 then -- an id, most likely, and not the one that was written
    fail(path, "is an integer beyond 2^53, which the number cannot hold exactly: send it as a string")
  end
  return text.shortest(value)
end

local encode_value

local function is_array(value, path)
  local count, has_name = 0, false
  for key in pairs(value) do
    if type(key) == "string" then
      has_name = true
    elseif type(key) == "number" then
      count = count + 1
    else
      fail(path, "has a key that is neither a string nor an index")
    end
  end
  if count == 0 then return false end
  if has_name then fail(path, "mixes names and indexes") end
  if count ~= #value then fail(path, "is an array with holes") end
  return true
end

local Raw = { __name = "iotmsg.RawJson" }

local function encode_table(value, path, depth)
  if getmetatable(value) == Raw then return value.text end
  if depth > MAX_DEPTH then fail(path, ("is nested deeper than %d levels"):format(MAX_DEPTH)) end
  local parts = {}
  if is_array(value, path) then
    for i = 1, #value do
      parts[i] = encode_value(value[i], path .. "[" .. i .. "]", depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in pairs(value) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    parts[i] = encode_string(name, path) .. ":" .. encode_value(value[name], path .. "." .. name, depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode_value(value, path, depth)
  local kind = type(value)
  if kind == "string" then return encode_string(value, path) end
  if kind == "number" then return encode_number(value, path) end
  if kind == "boolean" then return tostring(value) end
  if kind == "table" then return encode_table(value, path, depth) end
  if value == cjson.null then return "null" end
  return fail(path, "is a " .. kind .. ", which JSON has not")
end

---@param value any a table of strings, numbers, booleans, tables and cjson.null
---@param path string what to call the value in an error
---@return string? json keys sorted
---@return string? path the part that cannot be said in JSON
---@return string? what what is wrong with it
function M.encode(value, path)
  local ok, result = pcall(encode_value, value, path, 1)
  if ok then return result end
  if type(result) == "table" then return nil, result.path, result.what end
  return nil, path, tostring(result)
end

-- What lua-cjson decodes, in our terms: null is absent, and 200 is an integer where Lua knows the difference.
local to_integer = math.tointeger -- luacheck: ignore 143

local function tidy(value)
  for key, item in pairs(value) do
    if item == cjson.null then
      value[key] = nil
    elseif type(item) == "table" then
      tidy(item)
    elseif to_integer and type(item) == "number" then
      value[key] = to_integer(item) or item
    end
  end
  return value
end

---@param json string
---@return table? value integers of 15 digits and more as strings, null absent; nil: not a JSON object or array
function M.decode(json)
  local ok, value = pcall(decoder.decode, core.json.quote_integers(json))
  if ok and type(value) == "table" then return tidy(value) end
end

-- Where the value that begins at at ends, in a document that is known to be JSON.
local function value_end(json, at)
  local depth = 0
  repeat
    local char = json:sub(at, at)
    if char == '"' then
      repeat
        at = json:find('["\\]', at + 1)
        local escaped = json:sub(at, at) == "\\"
        if escaped then at = at + 1 end
      until not escaped
    elseif char == "{" or char == "[" then
      depth = depth + 1
    elseif char == "}" or char == "]" then
      depth = depth - 1
    elseif depth == 0 then
      at = json:find("[,}%]%s]", at) - 1
    end
    at = at + 1
  until depth == 0
  return at - 1
end

---Decodes an object whose member of the given name, where it is an object or array, is kept to the letter: as a value
---that encode writes as it was.
---@param json string
---@param name string
---@return table?
function M.decode_keeping(json, name)
  local value = M.decode(json)
  if not value or type(value[name]) ~= "table" then return value end
  local at = json:find("{", 1, true) + 1
  while true do
    at = json:find('"', at, true)
    local key_end = value_end(json, at)
    local start = json:find("[^%s:]", key_end + 1)
    local finish = value_end(json, start)
    if json:sub(at + 1, key_end - 1) == name then
      value[name] = setmetatable({ text = json:sub(start, finish) }, Raw)
      return value
    end
    at = finish + 1
    if not json:find('"', at, true) then return value end
  end
end

return M
