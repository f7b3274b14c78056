-- One object for any event loop that can wait for a descriptor to become readable: then call iotmsg.poll(0). It has
-- what cqueues asks of a pollable, and getfd for the others. The descriptor is looked up each time, because a forked
-- child has one of its own.

local engine = require "iotmsg.engine"

local M = {}

local methods = {}

---@return integer? descriptor readable while something has completed
---@return string? why there is none
function methods.getfd()
  local outlet, why = engine.outlet()
  if not outlet then return nil, why end
  return outlet:fd()
end

---@return nil timeout in seconds: the descriptor alone is enough
function methods.timeout()
  return nil
end

local object = setmetatable({}, {
  __name = "iotmsg.Pollable",
  __index = function(_, name)
    if name == "pollfd" then return methods.getfd() end
    if name == "events" then return "r" end
    return methods[name]
  end,
})

---@return { getfd: fun(): integer; pollfd: integer, events: string, timeout: fun(): nil }
function M.get()
  return object
end

return M
