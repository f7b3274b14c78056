-- Random numbers for generative specs: the same sequence on every Lua, so that a failure comes back.

local M = {}

---@param seed integer 1 to 2147483646
---@return fun(limit: integer): integer draw a number from 1 to limit
function M.new(seed)
  local state = seed
  return function(limit)
    state = state * 16807 % 2147483647 -- Park and Miller's minimal standard; exact in a double
    return math.floor(state / 2147483647 * limit) + 1
  end
end

---@param draw fun(limit: integer): integer
---@param len integer
---@return string bytes
function M.bytes(draw, len)
  local bytes = {}
  for i = 1, len do bytes[i] = string.char(draw(256) - 1) end
  return table.concat(bytes)
end

return M
