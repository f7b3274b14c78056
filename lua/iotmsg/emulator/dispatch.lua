-- Between the server and the front doors: finds the door for a request, lets a rule interfere, logs one line, and
-- answers when no door can. Doors are asked in order; a new vendor is a new door in the list.

local clock = require "iotmsg.emulator.clock"
local misbehaviour = require "iotmsg.emulator.misbehaviour"
local reply = require "iotmsg.emulator.reply"

local dispatch = {}

local function gateway_error(request, status, code, message)
  return reply.gateway_error({
    style = request.query:find("Format=XML", 1, true) and "xml" or "json",
    request_id = reply.request_id(),
    host_id = reply.printable(request.host),
  }, { status = status, code = code, message = message })
end

local function door_for(doors, request)
  for _, door in ipairs(doors) do
    if door:accepts(request) then
      return door
    end
  end
end

local function answer(doors, rules, request)
  local door = door_for(doors, request)
  if request.problem then
    if door and door.unreadable then
      return door:refuse(request, door.unreadable(request.problem))
    end
    return gateway_error(request, 400, "InvalidParameter",
      "The request cannot be read: " .. request.problem .. ".")
  elseif not door then
    return gateway_error(request, 404, "InvalidApi.NotFound",
      "Specified api is not found, please check your url and method.")
  elseif not door.describe or rules:are_none() then
    return door:handle(request)
  end
  return misbehaviour.answer(rules:take(door:describe(request)), door, request)
end

---@param doors table[] each with accepts(request) and handle(request); where rules may interfere, describe(request),
---  refuse(request, problem) and throttled(request); where the errors of this file are of another shape, refuse,
---  unreadable(reason) and failed()
---@param rules table rules.new()
---@param log table|nil a file; never sees a secret, a token or a signature
---@return table { handle(request); failure(request), what to answer when the emulator itself fails }
function dispatch.new(doors, rules, log)
  local function handle(request)
    local given = answer(doors, rules, request)
    if log then
      log:write(table.concat({
        clock.iso(clock.now()), given.action or "-", tostring(given.status), given.outcome or "-",
        given.told and "(as a rule says)" or nil,
      }, " ") .. "\n")
    end
    return given
  end
  local function failure(request)
    local door = door_for(doors, request)
    if door and door.failed then
      return door:refuse(request, door.failed())
    end
    return gateway_error(request, 500, "InternalError",
      "The request processing has failed due to some unknown error.")
  end
  return { handle = handle, failure = failure }
end

return dispatch
