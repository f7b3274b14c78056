-- Percent-encoding and form parsing as RFC 3986 and the WHATWG form rules give them, written for the emulator
-- alone. The signatures are checked against this file, so it must not borrow from the client's own encoder.
-- It knows nothing of parameters' meaning, of HTTP or of signing.

local byte, char, gsub, find, sub = string.byte, string.char, string.gsub, string.find, string.sub

local escape_of, char_of = {}, {}
for code = 0, 255 do
  local upper = string.format("%02X", code)
  escape_of[char(code)] = "%" .. upper
  char_of[upper] = char(code)
end

local percent = {}

---RFC 3986 with the unreserved set A-Z a-z 0-9 - _ . ~ and upper-case hexadecimal digits.
---@param text string any bytes
---@return string
function percent.encode(text)
  return (gsub(text, "[^A-Za-z0-9_.~-]", escape_of))
end

local function unescape(hex)
  return char_of[hex:upper()]
end

---Decodes `%XX` and, as forms do, `+` for a space.
---@param text string
---@return string|nil decoded nil when a `%` is not followed by two hexadecimal digits
function percent.decode(text)
  if not find(text, "[%%+]") then
    return text
  end
  local malformed = find(text, "%%[^0-9A-Fa-f]") or find(text, "%%.[^0-9A-Fa-f]") or find(text, "%%.?$")
  if malformed then
    return nil
  end
  return (gsub(gsub(text, "%+", " "), "%%(%x%x)", unescape))
end

---Reads `a=1&b=2` into `into`, a map from name to value.
---@param text string a query without its `?`, or a form body
---@param into table<string, string>
---@return boolean|nil ok
---@return string|nil problem "encoding" or "repeated"
---@return string|nil name the parameter given twice
function percent.parse_form(text, into)
  local from, length = 1, #text
  while from <= length do
    local to = find(text, "&", from, true) or length + 1
    if to > from then
      local equals = find(text, "=", from, true)
      if not equals or equals > to then
        equals = to
      end
      local name = percent.decode(sub(text, from, equals - 1))
      local value = percent.decode(sub(text, equals + 1, to - 1))
      if not name or not value then
        return nil, "encoding"
      end
      if into[name] ~= nil then
        return nil, "repeated", name
      end
      into[name] = value
    end
    from = to + 1
  end
  return true
end

---Orders names by their bytes; Lua's own `<` follows the locale.
---@param left string
---@param right string
---@return boolean
function percent.byte_order(left, right)
  local shorter = math.min(#left, #right)
  for position = 1, shorter do
    local a, b = byte(left, position), byte(right, position)
    if a ~= b then
      return a < b
    end
  end
  return #left < #right
end

return percent
