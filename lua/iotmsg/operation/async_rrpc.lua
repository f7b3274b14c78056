-- AsyncRRpc: sends a message to a device behind the MQTT cloud gateway or a GB/T 32960 gateway. In spite of its name
-- it brings no answer of the device's. Source: Alibaba Cloud IoT Platform, API reference, "AsyncRRpc", version
-- 2018-01-20.

local check = require "iotmsg.check"
local Error = require "iotmsg.error"
local payload = require "iotmsg.operation.payload"
local pub = require "iotmsg.operation.pub"
local json = require "iotmsg.json"
local rpc = require "iotmsg.operation.rpc"
local text = require "iotmsg.text"

-- JSON text, or a table to be sent as such.
local function read_ext_info(value)
  if type(value) == "table" then
    local encoded, path, what = json.encode(value, "ext_info")
    if not encoded then return nil, what, path end
    if encoded:sub(1, 1) ~= "{" then return nil, "is not a JSON object" end
    return encoded
  end
  if type(value) ~= "string" then return nil, "must be a table, or a JSON string, not a " .. type(value) end
  if not text.is_utf8(value) then return nil, "must be valid UTF-8" end
  if not value:find("^%s*{") or not json.decode(value) then return nil, "is not a JSON object" end
  return value
end

---@class iotmsg.AsyncRRpcParameters
---@field product_key string
---@field device_name string
---@field payload string|table the device receives exactly these bytes; a table as a JSON object; at most 256 KB
---@field topic_full_name string? required for MQTT devices
---@field ext_info string|table? required behind a GB/T 32960 gateway: { commandType = 128 }, 129 or 130
---@field iot_instance_id string? required where the instance has an id

local M = {
  name = "async_rrpc",
  product = "Iot",
  version = "2018-01-20",
  action = "AsyncRRpc",
  qps = 1000,
  from_settings = { "iot_instance_id" },
}

M.rules = check.rules {
  rpc.rule({ name = "product_key", type = "string", required = true, max = 64 }, "ProductKey"),
  rpc.rule({ name = "device_name", type = "string", required = true, max = 128 }, "DeviceName"),
  rpc.rule(payload.payload(pub.PAYLOAD_MAX), rpc.put_message_content),
  rpc.rule(payload.topic_rule "topic_full_name", "TopicFullName"),
  rpc.rule({ name = "ext_info", type = "any", read = read_ext_info }, "ExtInfo"),
  rpc.rule({ name = "iot_instance_id", type = "string", max = 128 }, "IotInstanceId"),
}

M.hints = pub.hints

---@param values table
---@return iotmsg.Error? err
function M.check(values)
  if not values.topic_full_name and not values.ext_info then
    return Error.invalid("topic_full_name", "is required for MQTT devices; GB/T 32960 devices need ext_info instead")
  end
end

M.build = rpc.build
M.sign = rpc.sign
M.parse = rpc.parser "MessageId"

return M
