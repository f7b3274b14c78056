-- CreateMessage of Huawei IoTDA: delivers a message to a device, or keeps it until the device subscribes.
-- It knows nothing of signatures or HTTP.

local rand = require "openssl.rand"

local clock = require "iotmsg.emulator.clock"
local envelope = require "iotmsg.emulator.huawei.envelope"
local field = require "iotmsg.emulator.huawei.field"
local json = require "iotmsg.emulator.json"

local CONTENT_MAX = 256 * 1024
local TTL_DEFAULT = 1440

local function new_message_id()
  local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = rand.bytes(16):byte(1, 16)
  return ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x"):format(
    a, b, c, d, e, f, g % 16 + 64, h, i % 64 + 128, j, k, l, m, n, o, p)
end

local function read(call)
  local content_type = call.request.headers["content-type"]
  if type(content_type) ~= "string" or not content_type:lower():find("^application/json") then
    return nil, { status = 400, code = "IOTDA.000008", message = "The Content-Type is not application/json." }
  end
  local values, problem = field.read_message(call.request.body)
  if not values then
    return nil, problem
  elseif values.message.to - values.message.from >= CONTENT_MAX + 2 then
    return nil, field.refusal("message", "exceeds 256 KB")
  end
  return values
end

-- No page of the vendor tells the code of a duplicate; this one is made up, only its message is to be relied on.
local function problem_of_sending(problem)
  if problem == "duplicate" then
    return { status = 400, code = "IOTDA.014099",
      message = "Duplicate message id. The message id already exists under the device." }
  end
  return { status = 500, code = "IOTDA.000001", message = "Internal server error: " .. problem .. "." }
end

local function run(call, context)
  local values, problem = read(call)
  if not values then
    return nil, problem
  end
  values.message_id = values.message_id or new_message_id()
  local message = envelope.message(call.device_id, values, call.request.body)
  if not message then
    return nil, field.refusal("message", "is not Base64, though encoding says so")
  end
  local record = {
    message_id = values.message_id,
    message = message,
    ttl_s = (values.ttl or TTL_DEFAULT) * context.minute_s,
    fields = {
      { "name", values.name },
      { "message", json.raw(json.source(call.request.body, values.message)) },
      { "encoding", values.encoding or "none" },
      { "payload_format", values.payload_format or "standard" },
      { "topic", message.topic },
    },
  }
  local ok
  ok, problem = context.store:send(call.device_id, record)
  if not ok then
    return nil, problem_of_sending(problem)
  end
  return 201, { fields = {
    { "message_id", record.message_id },
    { "result", { fields = {
      { "status", record.status },
      { "created_time", clock.compact(record.created_at) },
      { "finished_time", record.finished_at and clock.compact(record.finished_at) },
    } } },
  } }, record.message_id .. " " .. record.status
end

return {
  name = "CreateMessage",
  method = "POST",
  path = "^/v5/iot/([^/]+)/devices/([^/]+)/messages/?$",
  run = run,
}
