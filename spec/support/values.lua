-- Values that no parameter of a type takes, each with words of the refusal; and the wildcards no topic has.

local M = {}

local function nothing() end

M.NOTHING = nothing

M.NOT_TEXT = {
  { 1, 'must be a string, not a number: write "1"' }, { true, "must be a string, not the boolean true" },
  { {}, "must be a string, not a table" }, { nothing, "must be a string, not a function" }, { "", "must not be empty" },
  { "a\rb", "must not contain CR, LF or NUL" }, { "a\nb", "must not contain CR, LF or NUL" },
  { "a\0b", "must not contain CR, LF or NUL" }, { "\255", "must be valid UTF-8" },
  { "\237\160\128", "must be valid UTF-8" },
}

M.NOT_INTEGER = {
  { "1", "must be an integer, not a string: write 1" }, { "one", "must be an integer" },
  { true, "must be an integer, not the boolean true" }, { {}, "must be an integer, not a table" },
  { nothing, "must be an integer, not a function" }, { 0.5, "must be an integer, not 0.5" },
  { 0 / 0, "must be an integer" }, { math.huge, "must be an integer" }, { -math.huge, "must be an integer" },
}

M.WILDCARDS = {
  { "/a/+/b", "wildcards + and #" }, { "a/#", "wildcards + and #" }, { "a+", "wildcards + and #" },
}

---@param ... { [1]: any, [2]: string? }[]
---@return table list all of them in one
function M.join(...)
  local all = {}
  for i = 1, select("#", ...) do
    for _, case in ipairs((select(i, ...))) do all[#all + 1] = case end
  end
  return all
end

---@param max integer bytes
---@param more table?
---@return table list what a string of at most so many bytes refuses
function M.text(max, more)
  return M.join({ { ("x"):rep(max + 1), ("is %d bytes long; the limit is %d"):format(max + 1, max) } }, M.NOT_TEXT,
    more or {})
end

---@param more table?
---@return table list what an integer refuses
function M.integer(more)
  return M.join(M.NOT_INTEGER, more or {})
end

---@param words string
---@param ... string
---@return table list each string, refused with the words
function M.each(words, ...)
  local list = {}
  for i = 1, select("#", ...) do list[i] = { (select(i, ...)), words } end
  return list
end

---@return string the 256 bytes
function M.all_bytes()
  local bytes = {}
  for byte = 0, 255 do bytes[byte + 1] = string.char(byte) end
  return table.concat(bytes)
end

return M
