-- Base64 as RFC 4648 section 4 has it, decoded strictly: padding required, no line breaks, no stray bits.
-- The emulator's own, so that a mistake in the client's encoder shows here instead of cancelling out.

local byte, char, concat = string.byte, string.char, table.concat
local floor = math.floor

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local digit_of, letter_of = {}, {}
for index = 1, 64 do
  digit_of[byte(ALPHABET, index)] = index - 1
  letter_of[index - 1] = ALPHABET:sub(index, index)
end

local base64 = {}

---@param bytes string
---@return string
function base64.encode(bytes)
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = byte(bytes, at, at + 2)
    local group = a * 65536 + (b or 0) * 256 + (c or 0)
    out[#out + 1] = letter_of[floor(group / 262144)]
    out[#out + 1] = letter_of[floor(group / 4096) % 64]
    out[#out + 1] = b and letter_of[floor(group / 64) % 64] or "="
    out[#out + 1] = c and letter_of[group % 64] or "="
  end
  return concat(out)
end

---The last group, which may be padded and must then have no bits left over.
local function decode_last(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  a, b = digit_of[a], digit_of[b]
  if not a or not b then
    return nil
  end
  if d == 61 and c == 61 then
    return b % 16 == 0 and char(a * 4 + floor(b / 16)) or nil
  end
  c = digit_of[c]
  if d == 61 then
    return c and c % 4 == 0 and char(a * 4 + floor(b / 16), b % 16 * 16 + floor(c / 4)) or nil
  end
  d = digit_of[d]
  return c and d and char(a * 4 + floor(b / 16), b % 16 * 16 + floor(c / 4), c % 4 * 64 + d) or nil
end

---@param text string
---@return string|nil bytes nil when the text is not strict Base64
function base64.decode(text)
  local length = #text
  if length == 0 then
    return ""
  end
  if length % 4 ~= 0 then
    return nil
  end
  local out, count = {}, 0
  for at = 1, length - 4, 4 do
    local a, b, c, d = byte(text, at, at + 3)
    a, b, c, d = digit_of[a], digit_of[b], digit_of[c], digit_of[d]
    if not (a and b and c and d) then
      return nil
    end
    local group = a * 262144 + b * 4096 + c * 64 + d
    count = count + 1
    out[count] = char(floor(group / 65536), floor(group / 256) % 256, group % 256)
  end
  local last = decode_last(text, length - 3)
  if not last then
    return nil
  end
  out[count + 1] = last
  return concat(out)
end

return base64
