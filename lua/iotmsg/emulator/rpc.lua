-- The front door for Alibaba's RPC-style APIs: who calls, which action, are its parameters sound, in which
-- form to answer. A request in, a reply out; it knows no sockets, and actions know nothing of signatures or
-- formats.

local caller = require "iotmsg.emulator.caller"
local parameter = require "iotmsg.emulator.parameter"
local reply = require "iotmsg.emulator.reply"
local rpc_call = require "iotmsg.emulator.rpc_call"

local V1_COMMON = {
  Action = true, Version = true, Format = true, Timestamp = true, Signature = true, SignatureMethod = true,
  SignatureVersion = true, SignatureNonce = true, SignatureType = true, AccessKeyId = true,
  SecurityToken = true, RegionId = true,
}
local FORMATS = { [""] = true, json = true, xml = true }
local V3_COMMON = { Format = true, RegionId = true }

local rpc = {}
rpc.__index = rpc

---@param options table { identity, actions, now, context, business_status }; `context` is handed to every action,
---  `business_status` is the HTTP status of business errors (200)
---@return table door
function rpc.new(options)
  local by_version = {}
  for _, action in ipairs(options.actions) do
    local of_version = by_version[action.version] or {}
    by_version[action.version] = of_version
    of_version[action.name] = action
  end
  return setmetatable({
    by_version = by_version,
    context = options.context,
    now = options.now,
    business_status = options.business_status,
    caller = caller.new(options.identity),
  }, rpc)
end

---@param request table
---@return boolean whether this door answers the request
function rpc.accepts(_, request)
  return request.path == "/"
end

local function without(params, common)
  local rest = {}
  for name, value in pairs(params) do
    if not common[name] then
      rest[name] = value
    end
  end
  return rest
end

local function refusal(status, code, message)
  return { status = status, code = code, message = message }
end

local function find_action(self, name, version, method)
  if (name or "") == "" then
    return nil, refusal(400, "MissingAction", "Action is mandatory for this action.")
  end
  if (version or "") == "" then
    return nil, refusal(400, "MissingVersion", "Version is mandatory for this action.")
  end
  local of_version = self.by_version[version]
  if not of_version then
    return nil, refusal(400, "InvalidVersion", "Specified parameter Version is not valid.")
  end
  local action = of_version[name]
  if not action then
    return nil, refusal(404, "InvalidApi.NotFound",
      "Specified api is not found, please check your url and method.")
  end
  if not action.methods[method] then
    return nil, refusal(400, "UnsupportedHTTPMethod", "This http method is not supported.")
  end
  return action
end

local function business_error(call, problem, status)
  return reply.business(call, {
    { "Success", false },
    { "Code", problem.code },
    { "ErrorMessage", problem.message },
  }, problem.code, status)
end

local function run_action(self, call, action, values)
  local fields, outcome = action.run(values, self.context)
  if fields then
    return reply.business(call, fields, outcome)
  elseif outcome.status then
    return reply.gateway_error(call, outcome)
  end
  return business_error(call, outcome, self.business_status)
end

---@param request table { method, path, query = raw text, headers, body, host, clock_offset_s }
---@return iotmsg.emulator.reply
function rpc:handle(request)
  local read, problem = rpc_call.read(request)
  local call, headers = read.call, request.headers
  if problem then
    return reply.gateway_error(call, problem)
  end
  local action
  action, problem = find_action(self, read.name, read.version, request.method)
  if not action then
    return reply.gateway_error(call, problem)
  end
  call.product = action.product
  if not FORMATS[(read.union.Format or ""):lower()] then
    return reply.gateway_error(call,
      refusal(400, "InvalidParameter.Format", "The parameter Format is neither JSON nor XML."))
  end
  local now_s = self.now() + (request.clock_offset_s or 0)
  if read.is_v3 then
    headers.authorization = read.authorization or ""
    problem = self.caller:check_v3(request, read.query, now_s)
  else
    problem = self.caller:check_v1(request.method, read.union, now_s)
  end
  if problem then
    return reply.gateway_error(call, problem)
  end
  local common = read.is_v3 and V3_COMMON or V1_COMMON
  local values
  values, problem = parameter.check(action.parameters, without(read.query, common), without(read.form, common),
    read.is_v3)
  if not values then
    return reply.gateway_error(call, problem)
  end
  return run_action(self, call, action, values)
end

---@param request table
---@return table { action, device } what a rule can match; each may be nil
function rpc.describe(_, request)
  local read = rpc_call.read(request)
  local union = read.union
  local topic = union.TopicFullName or union.MqttTopic or ""
  local device = union.DeviceName or topic:match("^/sys/[^/]+/([^/]+)") or topic:match("^/[^/]+/([^/]+)")
    or topic:match("@@@([^/]+)$")
  return { action = read.name, device = device }
end

---@param request table
---@param problem table { status, code, message }
---@return iotmsg.emulator.reply the refusal in this vendor's shape
function rpc.refuse(_, request, problem)
  local call = rpc_call.read(request).call
  if problem.code:lower():find("^iot%.") then
    return business_error(call, problem, problem.status)
  end
  return reply.gateway_error(call, problem)
end

---@param request table
---@return table problem as the product throttles
function rpc.throttled(_, request)
  if rpc_call.read(request).version == "2020-04-20" then
    return refusal(500, "SystemOverFlow", "An error occurred while processing your request. Please try again.")
  end
  return refusal(400, "Throttling.User", "Request was denied due to user flow control.")
end

return rpc
