-- The plainest way to wait: the thread stands until something has completed. Scripts, command lines, tests.

local M = {}

---@param outlet userdata
---@param ms number? at most; nil: until something completes
function M.wait(outlet, ms)
  outlet:wait(ms or math.huge) -- returns early after a signal, so that a Ctrl-C hook of Lua's gets its turn
end

return M
