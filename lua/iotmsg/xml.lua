-- The XML that Alibaba's gateway answers with: elements and text, no attributes that matter. Reads it into the table
-- that the JSON form of the same reply would give, so that the format changes the wire and never the result. Pure.

local M = {}

local MAX_DEPTH = 50
local ENTITIES = { lt = "<", gt = ">", amp = "&", quot = '"', apos = "'" }

local function codepoint(number)
  if not number or number > 0x10FFFF or number >= 0xD800 and number <= 0xDFFF then return "\239\191\189" end
  local floor, char = math.floor, string.char
  if number < 0x80 then return char(number) end
  if number < 0x800 then return char(0xC0 + floor(number / 64), 0x80 + number % 64) end
  if number < 0x10000 then
    return char(0xE0 + floor(number / 4096), 0x80 + floor(number / 64) % 64, 0x80 + number % 64)
  end
  return char(0xF0 + floor(number / 262144), 0x80 + floor(number / 4096) % 64,
    0x80 + floor(number / 64) % 64, 0x80 + number % 64)
end

local function unescape(text)
  return (text:gsub("&(#?x?%w+);", function(name)
    if name:find("^#x%x+$") then return codepoint(#name <= 10 and tonumber(name:sub(3), 16)) end
    if name:find("^#%d+$") then return codepoint(#name <= 10 and tonumber(name:sub(2))) end
    return ENTITIES[name]
  end))
end

-- XML has no types: what JSON would have as a boolean or a short integer becomes one.
local function scalar(text)
  if text == "true" then return true end
  if text == "false" then return false end
  if #text < 15 and text:find("^-?[1-9]%d*$") or text == "0" then return tonumber(text) end
  return text
end

local function add(parent, name, value)
  local before = parent[name]
  if before == nil then
    parent[name] = value
  elseif type(before) == "table" and before[1] ~= nil then
    before[#before + 1] = value
  else
    parent[name] = { before, value }
  end
end

-- Reads what stands between <name> and </name>; returns the value and where to go on, or nothing.
local function element(xml, at, name, depth)
  if depth > MAX_DEPTH then return end
  local children, pieces = nil, {}
  while true do
    local open = xml:find("<", at, true)
    if not open then return end
    pieces[#pieces + 1] = unescape(xml:sub(at, open - 1))
    if xml:find("^<!%[CDATA%[", open) then
      local close = xml:find("]]>", open, true)
      if not close then return end
      pieces[#pieces + 1] = xml:sub(open + 9, close - 1)
      at = close + 3
    elseif xml:find("^<!%-%-", open) then
      local _, close = xml:find("-->", open, true)
      if not close then return end
      at = close + 1
    else
      local _, last, slash, tag, empty = xml:find("^<(/?)([%w_:.-]+)[^<>]-(/?)>", open)
      if not last then return end
      if slash == "/" then
        if tag ~= name then return end
        return children or scalar(table.concat(pieces)), last + 1
      end
      local value
      children, at = children or {}, last + 1
      if empty == "/" then
        value = ""
      else
        value, at = element(xml, at, tag, depth + 1)
        if value == nil then return end
      end
      add(children, tag, value)
    end
  end
end

---@param xml string
---@return table? value what stands in the root element; nil when this is no XML document of that kind
---@return string? root the root element's name
function M.decode(xml)
  local at = 1
  local _, last = xml:find("^%s*<%?xml.-%?>", at)
  at = (last or 0) + 1
  local _, open, root = xml:find("^%s*<([%w_:.-]+)[^<>]->", at)
  if not open then return end
  local value, after = element(xml, open + 1, root, 1)
  if type(value) ~= "table" or xml:find("%S", after) then return end
  return value, root
end

return M
