-- Chooses how to wait, each time anew: what hosts this code can change from one call to the next. A new host is one
-- file in this folder and one line here.

local blocking = require "iotmsg.host.blocking"

local M = {}

---@return { wait: fun(outlet: userdata, ms: number?) }
function M.current()
  return blocking
end

return M
