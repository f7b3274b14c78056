-- The operations that are compared, each said twice: in iotmsg's words and in the vendor's. A new operation is one
-- more entry; the specs run over all of them.

local base64 = require("spec.support.rpc_client").base64
local sdk = require "spec.interop.sdk"

local every_byte = {}
for byte = 0, 255 do every_byte[#every_byte + 1] = string.char(byte) end
every_byte = table.concat(every_byte)

local M = { all = {} }

M.PAYLOADS = {
  { name = "text", bytes = "hello world", indicator = 1 },
  { name = "UTF-8", bytes = "你好，世界 — grüß dich 😀", indicator = 1 },
  { name = "all 256 byte values", bytes = every_byte, indicator = 0 },
}

-- Enough of them that UserProp.10 is sorted before UserProp.2, and all that percent-encoders disagree about.
local user_properties, user_prop = {}, {}
for index, value in ipairs {
  "plain", "a b+c", "~*'()!", "a&b=c%20", "你好", "😀", "\"quoted\\\"", "/path?x#y", "-_.:;,@$", "last", "one more",
} do
  local key = index == 2 and "key with space & more" or "key" .. index
  user_properties[index], user_prop[index] = { key, value }, { Key = key, Value = value }
end

-- What the Node SDK lacks: its newest release, 3.0.11, is of 2022.
local NEWER = "added to the API after the release"

-- What the Node SDKs lack altogether.
local NO_ACTION = "the newest release, 3.0.11 of 2022, has no such action"
local NO_PACKAGE = "@alicloud/onsmqtt20200420 is not published"

---@class iotmsg.spec.parameter
---@field ours string
---@field value any nil: not in this message
---@field theirs string? nil: not one of the vendor's, for the reason given
---@field their_value any where it differs from ours
---@field reason string?
---@field arrives string? the member of the device's message that shows it
---@field arrives_as any where it differs from value

local function pub_parameters(payload)
  return {
    { ours = "product_key", value = "a1InteropPk", theirs = "ProductKey" },
    { ours = "topic_full_name", value = "/a1InteropPk/device1/user/get", theirs = "TopicFullName", arrives = "topic" },
    { ours = "payload", value = payload.bytes, theirs = "MessageContent", their_value = base64(payload.bytes),
      arrives = "payload" },
    { ours = "qos", value = 1, theirs = "Qos", arrives = "qos" },
    { ours = "iot_instance_id", value = "iot-060a0000", theirs = "IotInstanceId" },
    { ours = "device_name", value = "gateway:1", theirs = "DeviceName" },
    { ours = "response_topic", value = "/a1InteropPk/device1/user/~(update)*", theirs = "ResponseTopic",
      arrives = "response_topic" },
    { ours = "correlation_data", value = every_byte, theirs = "CorrelationData", their_value = base64(every_byte),
      arrives = "correlation_data" },
    { ours = "user_properties", value = user_properties, theirs = "UserProp", their_value = user_prop,
      arrives = "user_properties" },
    { ours = "content_type", value = "text/plain; charset=utf-8", theirs = "ContentType", arrives = "content_type" },
    { ours = "payload_format_indicator", value = payload.indicator, theirs = "PayloadFormatIndicator",
      arrives = "payload_format_indicator" },
    { ours = "message_expiry_interval", value = 86400, theirs = "MessageExpiryInterval" },
    { ours = "retained", value = true, theirs = "Retained" },
    { ours = "topic_alias", value = 3, theirs = "TopicAlias" },
  }
end

-- Everyone else, iotmsg among them, writes booleans in lower case; the emulator takes both.
local PYTHON_SPELLS = { Retained = { "True", "true" } }

local PRODUCT_KEY, TOPIC = "a1InteropPk", "/a1InteropPk/device1/user/get"

local function async_rrpc_parameters(payload)
  return {
    { ours = "product_key", value = PRODUCT_KEY, theirs = "ProductKey" },
    { ours = "device_name", value = "device1", theirs = "DeviceName" },
    { ours = "payload", value = payload.bytes, theirs = "MessageContent", their_value = base64(payload.bytes),
      arrives = "payload" },
    { ours = "topic_full_name", value = TOPIC, theirs = "TopicFullName", arrives = "topic" },
    { ours = "ext_info", value = { commandType = 128 }, theirs = "ExtInfo", their_value = '{"commandType":128}' },
    { ours = "iot_instance_id", value = "iot-060a0000", theirs = "IotInstanceId" },
  }
end

local function send_message_parameters(payload)
  local binary = payload.indicator == 0
  local said = binary and base64(payload.bytes) or payload.bytes
  return {
    { ours = "instance_id", value = "post-cn-0interop000", theirs = "InstanceId" },
    { ours = "mqtt_topic", value = "interop-parent/sub topic/~(你好)*", theirs = "MqttTopic", arrives = "topic" },
    { ours = "payload", value = payload.bytes, theirs = "Payload", their_value = said, arrives = "payload",
      arrives_as = said },
    { ours = "encoding", value = binary and "base64" or nil,
      reason = "not a parameter of the vendor's: Payload is Base64 then" },
  }
end

-- unknown: what this SDK cannot send, and why. spells: values that it writes in another way, and iotmsg's way.
-- form: parameters that travel there. lacking: SDKs without the operation, and why; installed: that can be
-- seen here. topic: what the device subscribes to, everything without it. absent: makes a device that nobody is.
M.all[#M.all + 1] = {
  name = "pub",
  product = "Iot",
  version = "2018-01-20",
  action = "Pub",
  form = { MessageContent = true },
  id = "MessageId",
  parameters = pub_parameters,
  clients = {
    { sdk = sdk.pop_core },
    { sdk = sdk.openapi_v1 },
    { sdk = sdk.openapi_v3 },
    { sdk = sdk.node_typed, unknown = { ContentType = NEWER, PayloadFormatIndicator = NEWER,
      MessageExpiryInterval = NEWER, Retained = NEWER, TopicAlias = NEWER } },
    { sdk = sdk.python_typed, spells = PYTHON_SPELLS },
    { sdk = sdk.python_typed_v1, spells = PYTHON_SPELLS },
  },
}

M.all[#M.all + 1] = {
  name = "async_rrpc",
  product = "Iot",
  version = "2018-01-20",
  action = "AsyncRRpc",
  form = { MessageContent = true },
  id = "MessageId",
  parameters = async_rrpc_parameters,
  topic = TOPIC,
  absent = { TopicFullName = "/a1InteropPk/absent/user/get", DeviceName = "absent" },
  clients = {
    { sdk = sdk.pop_core },
    { sdk = sdk.openapi_v1 },
    { sdk = sdk.openapi_v3 },
    { sdk = sdk.python_typed },
    { sdk = sdk.python_typed_v1 },
  },
  lacking = { { sdk = sdk.node_typed, why = NO_ACTION, installed = true } },
}

M.all[#M.all + 1] = {
  name = "send_message",
  product = "OnsMqtt",
  version = "2020-04-20",
  action = "SendMessage",
  form = {},
  id = "MsgId",
  parameters = send_message_parameters,
  -- iotmsg moves a long one from the query to the form; the SDKs never do.
  moves = { name = "Payload", last = ("x"):rep(8192), beyond = ("x"):rep(8193) },
  clients = {
    { sdk = sdk.pop_core },
    { sdk = sdk.openapi_v1 },
    { sdk = sdk.openapi_v3 },
    { sdk = sdk.python_typed },
    { sdk = sdk.python_typed_v1 },
  },
  lacking = { { sdk = sdk.node_typed, why = NO_PACKAGE } },
}

local function first_of(value, otherwise)
  if value ~= nil then return value end
  return otherwise
end

---One message in both languages, with the parameters that the client's SDK can send.
---@param operation table
---@param client table an entry of operation.clients
---@param payload table an entry of PAYLOADS
---@return table<string, any> ours for iotmsg
---@return table<string, any> theirs for the SDK
---@return table<string, any> arrives what the device's message must show
function M.message(operation, client, payload)
  local ours, theirs, arrives = {}, {}, {}
  for _, parameter in ipairs(operation.parameters(payload)) do
    if not (client.unknown and client.unknown[parameter.theirs]) then
      ours[parameter.ours] = parameter.value
      if parameter.theirs then theirs[parameter.theirs] = first_of(parameter.their_value, parameter.value) end
      if parameter.arrives then arrives[parameter.arrives] = first_of(parameter.arrives_as, parameter.value) end
    end
  end
  return ours, theirs, arrives
end

return M
