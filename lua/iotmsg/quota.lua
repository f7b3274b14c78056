-- Keeps below the clouds' limits of calls per second. Each account and operation has a virtual schedule: a call takes
-- the next free place in it and is held back until then (the generic cell rate algorithm, ITU-T I.371). The clock is
-- an argument.

local M = {}

-- How far ahead of an even pace a burst may run. The pace is slower by as much, so that no second sees more than the
-- rate, bursts included.
local BURST_MS = 10

local next_place_ms = {} -- account and operation -> when the schedule is free

local function rate_of(settings, operation)
  local given = settings.max_qps
  if type(given) == "table" then given = given[operation.method or operation.name] end
  if given == nil then return operation.qps end
  return given
end

---Takes a place.
---@param settings table
---@param operation table
---@param account string
---@param now_ms number
---@param remaining_ms number? until the call's deadline: a call that cannot go before it takes no place
---@return number hold_ms how long to hold the call back
function M.take(settings, operation, account, now_ms, remaining_ms)
  local rate = rate_of(settings, operation)
  if not rate then return 0 end
  local key = (operation.quota_account or account) .. "/" .. operation.name
  local place = math.max(next_place_ms[key] or 0, now_ms)
  local hold_ms = math.max(0, math.ceil(place - BURST_MS - now_ms))
  if hold_ms < (remaining_ms or math.huge) then next_place_ms[key] = place + (1000 + BURST_MS) / rate end
  return hold_ms
end

return M
