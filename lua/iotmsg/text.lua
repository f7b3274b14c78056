-- Small questions about strings that several checks ask. Pure.

local M = {}

-- One pattern per form of RFC 3629's table 3-7: lead byte's class and how the next byte is narrowed.
local TAILS = {
  { "^[\194-\223][\128-\191]", 2 },
  { "^\224[\160-\191][\128-\191]", 3 },
  { "^[\225-\236\238\239][\128-\191][\128-\191]", 3 },
  { "^\237[\128-\159][\128-\191]", 3 },
  { "^\240[\144-\191][\128-\191][\128-\191]", 4 },
  { "^[\241-\243][\128-\191][\128-\191][\128-\191]", 4 },
  { "^\244[\128-\143][\128-\191][\128-\191]", 4 },
}

---@param text string
---@return boolean valid UTF-8 without surrogates or overlong forms
function M.is_utf8(text)
  local at = text:find("[\128-\255]")
  while at do
    local len
    for i = 1, #TAILS do
      if text:find(TAILS[i][1], at) then
        len = TAILS[i][2]
        break
      end
    end
    if not len then return false end
    at = text:find("[\128-\255]", at + len)
  end
  return true
end

-- Levenshtein's distance, two rows at a time.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local change = diagonal + (a:byte(i) == b:byte(j) and 0 or 1)
      diagonal = row[j]
      row[j] = math.min(change, row[j] + 1, row[j - 1] + 1)
    end
  end
  return row[#b]
end

-- Names are compared without case and separators, so that "TopicFullName" is near "topic_full_name".
local function bare(name)
  return (name:lower():gsub("[^%w]", ""))
end

---@param name string what was written
---@param known string[] what could have been meant
---@return string? nearest the nearest of them, if it is near at all
function M.nearest(name, known)
  local best, best_distance
  local wanted = bare(name:sub(1, 64))
  for _, candidate in ipairs(known) do
    local d = distance(wanted, bare(candidate))
    if not best or d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  if best and best_distance <= math.max(2, math.floor(#best / 3)) then return best end
end

local type_of_number = math.type -- luacheck: ignore 143

---@param number number
---@return boolean whether it is one of the exact 64-bit integers that Lua has from 5.3 on
function M.is_integer(number)
  return type_of_number ~= nil and type_of_number(number) == "integer"
end

---@param number number
---@return string shortest decimal text that reads back as the same number
function M.shortest(number)
  for digits = 15, 16 do
    local short = ("%." .. digits .. "g"):format(number)
    if tonumber(short) == number then return short end
  end
  return ("%.17g"):format(number)
end

return M
