-- Pub of Alibaba Cloud IoT Platform (2018-01-20): decodes the message and gives it to the MQTT broker.
-- Every product and device exists here; what is checked is what the vendor documents for content and topic.
-- It knows nothing of signatures, formats or HTTP.

local base64 = require "iotmsg.emulator.base64"
local iot = require "iotmsg.emulator.iot"
local packet = require "iotmsg.emulator.mqtt_packet"
local reply = require "iotmsg.emulator.reply"

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

local function check_topic(values)
  local topic = values.TopicFullName
  local ok, problem = iot.check_topic_text(topic)
  -- With a DeviceName the device sits behind the MQTT cloud gateway and has topics of its own naming.
  if not ok or values.DeviceName then
    return ok, problem
  end
  local owner = iot.owner_of(topic)
  if not owner or topic:find("//", 1, true) then
    return iot.business("iot.messagebroker.InvalidFormattedTopicName", "The topic format is incorrect.")
  end
  return iot.check_topic_owner(owner, values)
end

local function read_content(values)
  local payload, problem = iot.read_content(values.MessageContent)
  if not payload then
    return nil, problem
  end
  local correlation_data = values.CorrelationData and base64.decode(values.CorrelationData)
  if values.CorrelationData and (not correlation_data or #correlation_data > 65535) then
    return iot.invalid("CorrelationData", "is not Base64 of at most 65535 bytes")
  end
  if values.ResponseTopic and not packet.is_topic(values.ResponseTopic) then
    return iot.invalid("ResponseTopic", "is not a topic")
  end
  return payload, nil, correlation_data
end

-- TopicAlias is agreed between a broker and one connection of a device, so there is nothing to publish.
local function run(values, context)
  local ok, problem = iot.check_owner(values, context)
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
    return iot.not_published(problem)
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
