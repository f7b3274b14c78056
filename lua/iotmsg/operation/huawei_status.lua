-- What became of a message after the platform took it: the status in a reply to huawei.send, and in the notifications
-- that the platform pushes to a web handler. Sources: Huawei Cloud IoTDA, "Pushing a Device Message Status Change
-- Notification", the example on the same page (body beside notify_data), and the older flat form. Pure.

local Error = require "iotmsg.error"
local json = require "iotmsg.json"

local M = {}

local STATUSES = { PENDING = true, DELIVERED = true, FAILED = true, TIMEOUT = true }

local function text_of(value)
  if type(value) == "string" and value ~= "" then return value end
end

---@class iotmsg.DeliveryResult
---@field status string PENDING, DELIVERED, FAILED or TIMEOUT
---@field created_time string? as the platform writes it, yyyyMMdd'T'HHmmss'Z'
---@field finished_time string?

---@param result any the member "result" of a reply
---@return iotmsg.DeliveryResult?
function M.result(result)
  if type(result) ~= "table" or not text_of(result.status) then return nil end
  return {
    status = result.status,
    created_time = text_of(result.created_time),
    finished_time = text_of(result.finished_time),
  }
end

local function table_of(value)
  return type(value) == "table" and value or {}
end

---@class iotmsg.DeliveryStatus
---@field status string PENDING, DELIVERED, FAILED or TIMEOUT
---@field message_id string
---@field device_id string?
---@field name string?
---@field topic string?
---@field timestamp string?
---@field event_time string?
---@field request_id string?
---@field error_code string?
---@field error_msg string?

---Reads a message-status push, in any of the three shapes that the vendor's pages show.
---@param body string the JSON document that the platform posted
---@return iotmsg.DeliveryStatus?
---@return iotmsg.Error? err kind protocol: it reports no message's status
function M.parse(body)
  if type(body) ~= "string" then return nil, Error.invalid("json", "must be a string, not a " .. type(body)) end
  local push = json.decode(body)
  local notify = table_of(push and push.notify_data)
  local header = table_of(notify.header or push and push.header)
  local report = table_of(notify.body or push and push.body or notify)
  local failed = table_of(report.error_info)
  local message_id = text_of(report.message_id)
  if not message_id or not STATUSES[report.status] then
    return nil, Error.new { kind = "protocol", message = "the document reports no status of a message" }
  end
  return {
    status = report.status,
    message_id = message_id,
    device_id = text_of(header.device_id) or text_of(report.device_id),
    name = text_of(report.name),
    topic = text_of(report.topic),
    timestamp = text_of(report.timestamp),
    event_time = text_of(push.event_time),
    request_id = text_of(push.request_id),
    error_code = text_of(failed.error_code),
    error_msg = text_of(failed.error_msg),
  }
end

return M
