-- Pub: publishes a message to a device's topic. Source: Alibaba Cloud IoT Platform, API reference, "Pub", version
-- 2018-01-20; the MQTT 5 parameters from the vendor's API metadata.

local check = require "iotmsg.check"
local core = require "iotmsg.core"
local Error = require "iotmsg.error"
local payload = require "iotmsg.operation.payload"
local rpc = require "iotmsg.operation.rpc"
local text = require "iotmsg.text"

local function put_correlation_data(value, query)
  query.CorrelationData = core.base64.encode(value)
end

local function put_user_properties(list, query)
  for i, property in ipairs(list) do
    query[("UserProp.%d.Key"):format(i)] = property[1]
    query[("UserProp.%d.Value"):format(i)] = property[2]
  end
end

---@class iotmsg.PubParameters
---@field product_key string
---@field topic_full_name string e.g. "/<product key>/<device name>/user/get", or "/broadcast/<product key>/…"
---@field payload string|table the device receives exactly these bytes; a table as a JSON object; at most 256 KB
---@field qos integer? 0 (default) or 1
---@field iot_instance_id string? required where the instance has an id
---@field device_name string? for devices behind the MQTT cloud gateway
---@field response_topic string? MQTT 5
---@field correlation_data string? MQTT 5, raw bytes
---@field user_properties table? MQTT 5, a map or { { key, value }, … }, at most 20
---@field content_type string? MQTT 5
---@field payload_format_indicator integer? MQTT 5: 0 bytes, 1 UTF-8
---@field message_expiry_interval integer? MQTT 5, seconds
---@field retained boolean?
---@field topic_alias integer? MQTT 5

local M = {
  name = "pub",
  product = "Iot",
  version = "2018-01-20",
  action = "Pub",
  qps = 1600,
  from_settings = { "iot_instance_id" },
}

-- The page names no limit; BatchPub's is 256 KB, of the payload before Base64.
M.PAYLOAD_MAX = 256 * 1024

M.rules = check.rules {
  rpc.rule({ name = "product_key", type = "string", required = true, max = 64 }, "ProductKey"),
  rpc.rule(payload.topic_rule("topic_full_name", true), "TopicFullName"),
  rpc.rule(payload.payload(M.PAYLOAD_MAX), rpc.put_message_content),
  rpc.rule({ name = "qos", type = "integer", one_of = { 0, 1 } }, "Qos"),
  rpc.rule({ name = "iot_instance_id", type = "string", max = 128 }, "IotInstanceId"),
  rpc.rule({ name = "device_name", type = "string", max = 128 }, "DeviceName"),
  rpc.rule(payload.topic_rule("response_topic"), "ResponseTopic"),
  rpc.rule({ name = "correlation_data", type = "bytes", max = 65535 }, put_correlation_data),
  rpc.rule(payload.user_properties { count = 20 }, put_user_properties),
  rpc.rule({ name = "content_type", type = "string", max = 65535 }, "ContentType"),
  rpc.rule({ name = "payload_format_indicator", type = "integer", one_of = { 0, 1 } }, "PayloadFormatIndicator"),
  rpc.rule({ name = "message_expiry_interval", type = "integer", min = 0, max = 4294967295 }, "MessageExpiryInterval"),
  rpc.rule({ name = "retained", type = "boolean" }, "Retained"),
  rpc.rule({ name = "topic_alias", type = "integer", min = 1, max = 65535 }, "TopicAlias"),
}

local SAY_PAYLOAD = "is called payload here: pass the bytes the device shall receive, Base64 is added"
M.hints = {
  MessageContent = SAY_PAYLOAD,
  message_content = SAY_PAYLOAD,
  Payload = SAY_PAYLOAD,
  message = SAY_PAYLOAD,
  user_prop = "is called user_properties here",
  UserProp = "is called user_properties here",
}

---@param values table
---@return iotmsg.Error? err
function M.check(values)
  if values.payload_format_indicator == 1 and not text.is_utf8(values.payload) then
    return Error.invalid("payload", "must be valid UTF-8 with payload_format_indicator = 1")
  end
end

M.build = rpc.build
M.sign = rpc.sign
M.parse = rpc.parser "MessageId"

return M
