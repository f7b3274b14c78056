-- Reads a request to Alibaba's RPC gateway: parameters of query and form, the action's name wherever it stands, and
-- the form of the answer. It judges nothing but whether the parameters can be read.

local percent = require "iotmsg.emulator.percent"
local reply = require "iotmsg.emulator.reply"

local rpc_call = {}

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

local function invalid(message)
  return { status = 400, code = "InvalidParameter", message = message }
end

local function unreadable(problem, name)
  if problem == "repeated" then
    return invalid(("The parameter %s is specified more than once."):format(reply.printable(name)))
  end
  return invalid("The parameters are not correctly percent-encoded.")
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

---What is asked for and how to answer, before anybody knows whether it is sound.
---@param request table
---@return table read { call = { request_id, host_id, style, action }, query, form, union, is_v3, name, version,
---  authorization }
---@return table|nil problem { status, code, message }
function rpc_call.read(request)
  local headers = request.headers
  local authorization = single(headers.authorization)
  local query, form, union, problem = read_parameters(request)
  -- V1 callers may send x-acs-action too, but only they have a parameter Signature.
  local is_v3 = (authorization or ""):find("^ACS3%-") ~= nil
    or (headers["x-acs-action"] ~= nil and not union.Signature)
  local name = is_v3 and single(headers["x-acs-action"]) or union.Action
  local call = {
    request_id = reply.request_id(),
    host_id = reply.printable(request.host),
    style = choose_style(is_v3, union.Format, headers.accept),
    action = name and reply.printable(name) or "-",
  }
  return {
    call = call, query = query, form = form, union = union, is_v3 = is_v3, name = name,
    version = is_v3 and single(headers["x-acs-version"]) or union.Version, authorization = authorization,
  }, problem
end

return rpc_call
