-- The front door for Alibaba's RPC-style APIs: who calls, which action, are its parameters sound, in which
-- form to answer. A request in, a reply out; it knows no sockets, and actions know nothing of signatures or
-- formats.

local caller = require "iotmsg.emulator.caller"
local parameter = require "iotmsg.emulator.parameter"
local percent = require "iotmsg.emulator.percent"
local reply = require "iotmsg.emulator.reply"

local V1_COMMON = {
  Action = true, Version = true, Format = true, Timestamp = true, Signature = true, SignatureMethod = true,
  SignatureVersion = true, SignatureNonce = true, SignatureType = true, AccessKeyId = true,
  SecurityToken = true, RegionId = true,
}
local FORMATS = { [""] = true, json = true, xml = true }
local V3_COMMON = { Format = true, RegionId = true }

local rpc = {}
rpc.__index = rpc

---@param options table { identity, actions, now, context }; `context` is handed to every action
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
    caller = caller.new(options.identity, options.now),
  }, rpc)
end

---@param request table
---@return boolean whether this door answers the request
function rpc.accepts(_, request)
  return request.path == "/"
end

local function single(value)
  return type(value) == "table" and value[1] or value
end

-- V1: the parameter Format, XML without it. V3: the accept header. JSON wins where both could.
local function choose_style(is_v3, format, accept)
  if format and format ~= "" then
    return format:lower() == "json" and "json" or "xml"
  end
  return is_v3 and (single(accept) or ""):lower():find("json", 1, true) and "json" or "xml"
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

local function unreadable(problem, name)
  if problem == "repeated" then
    return refusal(400, "InvalidParameter",
      ("The parameter %s is specified more than once."):format(reply.printable(name)))
  end
  return refusal(400, "InvalidParameter", "The parameters are not correctly percent-encoded.")
end

-- Query and form apart (V3 signs them apart) and together (V1 signs the union).
local function read_parameters(request)
  local query, form, union = {}, {}, {}
  local ok, problem, name = percent.parse_form(request.query, query)
  local content_type = single(request.headers["content-type"])
  local is_form = not content_type or content_type:find("^%s*application/x%-www%-form%-urlencoded")
  if ok and is_form then
    ok, problem, name = percent.parse_form(request.body, form)
  end
  for key, value in pairs(query) do
    union[key] = value
  end
  for key, value in pairs(form) do
    if union[key] ~= nil and ok then
      ok, problem, name = nil, "repeated", key
    end
    union[key] = value
  end
  return query, form, union, not ok and unreadable(problem, name) or nil
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

local function run_action(self, call, action, values)
  local fields, outcome = action.run(values, self.context)
  if fields then
    return reply.business(call, fields, outcome)
  end
  local problem = outcome
  if problem.status then
    return reply.gateway_error(call, problem)
  end
  return reply.business(call, {
    { "Success", false },
    { "Code", problem.code },
    { "ErrorMessage", problem.message },
  }, problem.code)
end

---@param request table { method, path, query = raw text, headers, body, host }
---@return iotmsg.emulator.reply
function rpc:handle(request)
  local headers = request.headers
  local authorization = single(headers.authorization)
  local query, form, union, problem = read_parameters(request)
  -- V1 callers may send x-acs-action too, but only they have a parameter Signature.
  local is_v3 = (authorization or ""):find("^ACS3%-") ~= nil
    or (headers["x-acs-action"] ~= nil and not union.Signature)
  local name = is_v3 and single(headers["x-acs-action"]) or union.Action
  local version = is_v3 and single(headers["x-acs-version"]) or union.Version
  local call = {
    request_id = reply.request_id(),
    host_id = reply.printable(request.host),
    style = choose_style(is_v3, union.Format, headers.accept),
    action = name and reply.printable(name) or "-",
  }
  if problem then
    return reply.gateway_error(call, problem)
  end
  local action
  action, problem = find_action(self, name, version, request.method)
  if not action then
    return reply.gateway_error(call, problem)
  end
  call.product = action.product
  if not FORMATS[(union.Format or ""):lower()] then
    return reply.gateway_error(call,
      refusal(400, "InvalidParameter.Format", "The parameter Format is neither JSON nor XML."))
  end
  if is_v3 then
    headers.authorization = authorization or ""
    problem = self.caller:check_v3(request, query)
  else
    problem = self.caller:check_v1(request.method, union)
  end
  if problem then
    return reply.gateway_error(call, problem)
  end
  local common = is_v3 and V3_COMMON or V1_COMMON
  local values
  values, problem = parameter.check(action.parameters, without(query, common), without(form, common), is_v3)
  if not values then
    return reply.gateway_error(call, problem)
  end
  return run_action(self, call, action, values)
end

return rpc
