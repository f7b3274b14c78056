-- Huawei's reply documents: a result, or { error_code, error_msg }, with the request id in a header.
-- It knows the shapes only.

local rand = require "openssl.rand"

local hash = require "iotmsg.emulator.hash"
local json = require "iotmsg.emulator.json"

local reply = {}

---@return string 32 lower-case hexadecimal digits, as Huawei's X-Request-Id
function reply.request_id()
  return hash.to_hex(rand.bytes(16))
end

---@param call table { action, request_id }
---@param status integer
---@param document table as json.encode takes it
---@param outcome string for the log
---@return iotmsg.emulator.reply
function reply.document(call, status, document, outcome)
  return {
    status = status, body = json.encode(document), content_type = "application/json",
    headers = { { "x-request-id", call.request_id } }, action = call.action, outcome = outcome,
  }
end

---@param call table { action, request_id }
---@param problem table { status, code, message }
---@return iotmsg.emulator.reply
function reply.error(call, problem)
  local fields = { { "error_code", problem.code }, { "error_msg", problem.message } }
  -- The gateway in front of the service names the request in the body as well.
  if problem.code:find("^APIG") then
    fields[3] = { "request_id", call.request_id }
  end
  return reply.document(call, problem.status, { fields = fields }, problem.code)
end

return reply
