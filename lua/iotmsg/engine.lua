-- The Lua side of the engine: this state's outlet, and the calls that wait for something to come out of it. Knows no
-- cloud and no host's way to wait. A call here is anything with a method on_event(ended, sent, reply, message).

local core = require "iotmsg.core"

local M = {}

local outlet -- opened at the first call: loading the module opens nothing
local waiting = {} -- slot -> call, or false
local count, reserved = 0, 0

-- How many calls have something under way.
---@return integer
function M.count()
  return count
end

---@return userdata? outlet
---@return string? why
function M.outlet()
  if not outlet then
    local opened, why = core.engine.outlet()
    if not opened then return nil, why end
    outlet = opened
  end
  return outlet
end

-- The outlet, with room for one more waiter: made before anything is sent, because a call that lost its waiter for want
-- of memory would never end. Slots are numbered from 1, and none is used twice at a time.
local function outlet_with_room()
  local out, why = M.outlet()
  if out and count >= reserved then
    local room = math.max(16, reserved * 2)
    for slot = reserved + 1, room do waiting[slot] = false end
    reserved = room
  end
  return out, why
end

local function await(call, slot, why)
  if not slot then return nil, why end
  waiting[slot] = call
  call.slot = slot
  count = count + 1
  return true
end

---Gives a request to the engine; it completes as call:on_event.
---@param call table
---@param route userdata
---@param request iotmsg.Request
---@param deadline_ms number from now
---@param connect_timeout_ms number
---@param hold_ms number how long to keep it back first
---@return true?
---@return string? why
function M.send(call, route, request, deadline_ms, connect_timeout_ms, hold_ms)
  local out, why = outlet_with_room()
  if not out then return nil, why end
  return await(call, out:submit(route, request.method, request.url, request.headers, request.body, deadline_ms,
    connect_timeout_ms, hold_ms))
end

---Comes back as call:on_event("elapsed") after the delay.
---@param call table
---@param delay_ms number
---@return true?
---@return string? why
function M.timer(call, delay_ms)
  local out, why = outlet_with_room()
  if not out then return nil, why end
  return await(call, out:timer(delay_ms))
end

---Ends what the call has under way, as "cancelled" unless something else comes first.
---@param call table
function M.cancel(call)
  if call.slot then outlet:cancel(call.slot) end
end

---Hands one completion to its call.
---@return boolean whether there was one
function M.step()
  if not outlet then return false end
  local slot, ended, sent, reply, message = outlet:reap()
  if not slot then return false end
  local call = waiting[slot]
  waiting[slot] = false
  count = count - 1
  call.slot = false
  call:on_event(ended, sent, reply, message)
  return true
end

return M
