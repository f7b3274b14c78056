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

local function answer(doors, rules, request)
  if request.problem then
    return gateway_error(request, 400, "InvalidParameter",
      "The request cannot be read: " .. request.problem .. ".")
  end
  for _, door in ipairs(doors) do
    if door:accepts(request) then
      if not door.describe or rules:are_none() then
        return door:handle(request)
      end
      return misbehaviour.answer(rules:take(door:describe(request)), door, request)
    end
  end
  return gateway_error(request, 404, "InvalidApi.NotFound",
    "Specified api is not found, please check your url and method.")
end

---What to answer when the emulator itself fails.
---@param request table
---@return iotmsg.emulator.reply
function dispatch.failure(request)
  return gateway_error(request, 500, "InternalError",
    "The request processing has failed due to some unknown error.")
end

---@param doors table[] each with accepts(request) and handle(request) and, where rules may interfere,
---  describe(request), refuse(request, problem) and throttled(request)
---@param rules table rules.new()
---@param log table|nil a file; never sees a secret, a token or a signature
---@return table { handle = function(request), failure = function(request) }
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
  return { handle = handle, failure = dispatch.failure }
end

return dispatch
