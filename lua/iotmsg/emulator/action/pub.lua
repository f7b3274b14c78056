-- Pub of Alibaba Cloud IoT Platform (2018-01-20): decodes the message and gives it to the MQTT broker.
-- Every product and device exists here; what is checked is what the vendor documents for content and topic.
-- It knows nothing of signatures, formats or HTTP.

local base64 = require "iotmsg.emulator.base64"
local packet = require "iotmsg.emulator.mqtt_packet"
local reply = require "iotmsg.emulator.reply"

local PAYLOAD_MAX = 256 * 1024
local FOUR_BYTES_MAX = 4294967295

local parameters = {
  { name = "ProductKey", type = "string", required = true, position = "query" },
  { name = "TopicFullName", type = "string", required = true, position = "query" },
  { name = "MessageContent", type = "string", required = true, multiline = true },
  { name = "Qos", type = "integer", min = 0, max = 1, position = "query" },
  { name = "IotInstanceId", type = "string", position = "query" },
  { name = "DeviceName", type = "string", position = "query" },
  { name = "ResponseTopic", type = "string", position = "query" },
  { name = "CorrelationData", type = "string", position = "query", multiline = true },
  { name = "UserProp", type = "pairs", max = 20, position = "query" },
  { name = "ContentType", type = "string", position = "query" },
  { name = "PayloadFormatIndicator", type = "integer", min = 0, max = 1, position = "query" },
  { name = "MessageExpiryInterval", type = "integer", min = 0, max = FOUR_BYTES_MAX, position = "query" },
  { name = "Retained", type = "boolean", position = "query" },
  { name = "TopicAlias", type = "integer", min = 0, max = 65535, position = "query" },
}

local function business(code, message)
  return nil, { code = code, message = message }
end

local function invalid(name, reason)
  local message = ("The parameter %s %s."):format(name, reason)
  return nil, { status = 400, code = "InvalidParameter." .. name, message = message }
end

-- /${ProductKey}/${DeviceName}/user/…, /sys/${ProductKey}/${DeviceName}/…, /broadcast/${ProductKey}/…
local function owner_of(topic)
  local owner = topic:match("^/sys/([^/]+)/[^/]+/.") or topic:match("^/broadcast/([^/]+)/.")
  if not owner then
    owner = topic:match("^/([^/]+)/[^/]+/user/.")
    owner = owner ~= "sys" and owner ~= "broadcast" and owner or nil
  end
  return owner
end

local function check_topic(values)
  local topic = values.TopicFullName
  if topic == "" then
    return business("iot.messagebroker.NullTopicName", "The topic name is empty.")
  end
  local format_problem = "The topic format is incorrect."
  if not packet.is_topic(topic) then
    return business("iot.messagebroker.InvalidFormattedTopicName", format_problem)
  end
  -- With a DeviceName the device sits behind the MQTT cloud gateway and has topics of its own naming.
  if values.DeviceName then
    return true
  end
  local owner = owner_of(topic)
  if not owner or topic:find("//", 1, true) then
    return business("iot.messagebroker.InvalidFormattedTopicName", format_problem)
  end
  if owner ~= values.ProductKey then
    return business("iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner",
      "The ProductKey does not own the topic.")
  end
  return true
end

local function check_owner(values)
  if values.ProductKey == "" then
    return business("iot.prod.NullProductKey", "The ProductKey is empty.")
  end
  -- The documentation masks product keys with asterisks; its examples are accepted as they stand.
  if not values.ProductKey:find("^[A-Za-z0-9_*-]+$") or #values.ProductKey > 64 then
    return business("iot.prod.InvalidFormattedProductkey", "The ProductKey format is incorrect.")
  end
  if values.DeviceName and (#values.DeviceName > 128 or not packet.is_topic(values.DeviceName)) then
    return business("iot.device.InvalidFormattedDeviceName", "The deviceName format is incorrect.")
  end
  return true
end

local function read_content(values)
  local payload = base64.decode(values.MessageContent)
  if not payload then
    return business("iot.messagebroker.MessageContentIsNotBase64Encode",
      "The message content is not Base64 encoded.")
  end
  if #payload > PAYLOAD_MAX then
    return invalid("MessageContent", "exceeds 256 KB")
  end
  local correlation_data = values.CorrelationData and base64.decode(values.CorrelationData)
  if values.CorrelationData and (not correlation_data or #correlation_data > 65535) then
    return invalid("CorrelationData", "is not Base64 of at most 65535 bytes")
  end
  if values.ResponseTopic and not packet.is_topic(values.ResponseTopic) then
    return invalid("ResponseTopic", "is not a topic")
  end
  return payload, nil, correlation_data
end

-- TopicAlias is agreed between a broker and one connection of a device, so there is nothing to publish.
local function run(values, context)
  local ok, problem = check_owner(values)
  if ok then
    ok, problem = check_topic(values)
  end
  local payload, correlation_data
  if ok then
    payload, problem, correlation_data = read_content(values)
  end
  if problem then
    return nil, problem
  end
  ok, problem = context.publish({
    topic = values.TopicFullName,
    payload = payload,
    qos = values.Qos or 0,
    retain = values.Retained,
    payload_format_indicator = values.PayloadFormatIndicator,
    message_expiry_interval = values.MessageExpiryInterval,
    content_type = values.ContentType,
    response_topic = values.ResponseTopic,
    correlation_data = correlation_data,
    user_properties = values.UserProp,
  })
  if not ok then
    return business("iot.messagebroker.PublishMessageException",
      "The message could not be published: " .. problem .. ".")
  end
  local message_id = context.next_message_id()
  return { { "Success", true }, { "MessageId", reply.integer(message_id) } }, message_id
end

return {
  product = "Iot",
  version = "2018-01-20",
  name = "Pub",
  methods = { GET = true, POST = true },
  parameters = parameters,
  run = run,
}
