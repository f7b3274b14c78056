-- The front door for Huawei IoTDA: which action, who calls, is the device known. A request in, a reply out; it
-- knows no sockets, and actions know nothing of signatures.

local field = require "iotmsg.emulator.huawei.field"
local percent = require "iotmsg.emulator.percent"
local reply = require "iotmsg.emulator.huawei.reply"

local huawei = {}
huawei.__index = huawei

---@param options table { actions, caller, now, context, project_id (nil: any), is_unknown(device_id) }; `context` is
---  handed to every action
---@return table door
function huawei.new(options)
  return setmetatable(options, huawei)
end

---@param request table
---@return boolean whether this door answers the request
function huawei.accepts(_, request)
  return request.path:find("^/v5/") ~= nil
end

local function route(self, request)
  for _, action in ipairs(self.actions) do
    local project_id, device_id, rest = request.path:match(action.path)
    if project_id and request.method == action.method then
      return action, { project_id = project_id, device_id = device_id, rest = rest, request = request }
    end
  end
  return nil, {}
end

---@param request table
---@return table { action, device } what a rule can match; each may be nil
function huawei:describe(request)
  local action, call = route(self, request)
  return { action = action and action.name, device = call.device_id }
end

local function refusal(status, code, message)
  return { status = status, code = code, message = message }
end

local function check(self, action, call)
  local request, query = call.request, {}
  if not action then
    return refusal(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
  elseif not percent.parse_form(request.query, query) then
    return refusal(400, "IOTDA.000006", "Invalid input. The query cannot be read.")
  end
  local now_s = self.now() + (request.clock_offset_s or 0)
  local problem = self.caller:check(request, query, now_s, call.project_id)
  if problem then
    return problem
  elseif self.project_id and call.project_id ~= self.project_id then
    return refusal(403, "IOTDA.000021", "The caller has not subscribed to this service in this project.")
  end
  problem = field.check_id("device_id", call.device_id)
  if problem then
    return problem
  elseif self.is_unknown(call.device_id) then
    return refusal(404, "IOTDA.014000", "The device does not exist.")
  end
end

---@param request table { method, path, query = raw text, headers, body, host, clock_offset_s }
---@return iotmsg.emulator.reply
function huawei:handle(request)
  local action, call = route(self, request)
  call.request, call.request_id, call.action = request, reply.request_id(), action and action.name
  local problem = check(self, action, call)
  if problem then
    return reply.error(call, problem)
  end
  local status, document, outcome = action.run(call, self.context)
  if not status then
    return reply.error(call, document)
  end
  return reply.document(call, status, document, outcome)
end

---@param request table
---@param problem table { status, code, message }
---@return iotmsg.emulator.reply the refusal in this vendor's shape
function huawei:refuse(request, problem)
  return reply.error({ request_id = reply.request_id(), action = self:describe(request).action }, problem)
end

---@param reason string
---@return table problem for a request that could not be read
function huawei.unreadable(reason)
  return refusal(400, "APIGW.0201", "Bad request: " .. reason)
end

---@return table problem for a fault of the emulator's own
function huawei.failed()
  return refusal(500, "IOTDA.000001", "Internal server error.")
end

---@return table problem as the vendor throttles: 403, not 429
function huawei.throttled()
  return refusal(403, "IOTDA.021101", "The request rate has reached the upper limit.")
end

return huawei
