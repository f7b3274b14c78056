-- UTF-8 as RFC 3629 has it: nothing overlong, no surrogates, nothing beyond U+10FFFF.

local byte, find = string.byte, string.find

local unicode = {}

-- By first byte: how many bytes the character has and what they must look like.
local shapes = {}

local function shape(first, last, size, pattern)
  for code = first, last do
    shapes[code] = { size = size, pattern = pattern }
  end
end

local NEXT = "[\128-\191]"
shape(0xC2, 0xDF, 2, "^." .. NEXT)
shape(0xE0, 0xE0, 3, "^.[\160-\191]" .. NEXT)
shape(0xE1, 0xEF, 3, "^." .. NEXT .. NEXT)
shape(0xED, 0xED, 3, "^.[\128-\159]" .. NEXT)
shape(0xF0, 0xF0, 4, "^.[\144-\191]" .. NEXT .. NEXT)
shape(0xF1, 0xF3, 4, "^." .. NEXT .. NEXT .. NEXT)
shape(0xF4, 0xF4, 4, "^.[\128-\143]" .. NEXT .. NEXT)

---@param text string
---@return integer|nil characters nil when the text is not UTF-8
function unicode.length(text)
  local count, at = #text, find(text, "[\128-\255]")
  while at do
    local expected = shapes[byte(text, at)]
    if not expected or not find(text, expected.pattern, at) then
      return nil
    end
    count = count - expected.size + 1
    at = find(text, "[\128-\255]", at + expected.size)
  end
  return count
end

---@param code integer a code point
---@return string its UTF-8 bytes
function unicode.char(code)
  local floor, char = math.floor, string.char
  if code < 0x80 then
    return char(code)
  elseif code < 0x800 then
    return char(0xC0 + floor(code / 64), 0x80 + code % 64)
  elseif code < 0x10000 then
    return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
  end
  return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64,
    0x80 + code % 64)
end

return unicode
