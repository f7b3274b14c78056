-- AsyncRRpc of Alibaba Cloud IoT Platform (2018-01-20): delivers to a device that is online, and refuses for one
-- that is not. A device is online when somebody subscribes to the topic, and inactive when no subscription ever named
-- it.

local iot = require "iotmsg.emulator.iot"
local json = require "iotmsg.emulator.json"
local reply = require "iotmsg.emulator.reply"

-- Query, configuration and control command of GB/T 32960.
local COMMAND_TYPES = { [128] = true, [129] = true, [130] = true }

local parameters = {
  { name = "ProductKey", type = "string", required = true, position = "query" },
  { name = "DeviceName", type = "string", required = true, position = "query" },
  { name = "MessageContent", type = "string", required = true, multiline = true },
  { name = "TopicFullName", type = "string", position = "query" },
  { name = "ExtInfo", type = "string", position = "query", multiline = true },
  { name = "IotInstanceId", type = "string", position = "query" },
}

local function read_command_type(text)
  local node = json.decode(text)
  if not node or node.kind ~= "object" then
    return iot.invalid("ExtInfo", "is not a JSON object")
  end
  local command = node.value.commandType
  if command and not COMMAND_TYPES[command.kind == "number" and command.value] then
    return iot.invalid("ExtInfo", "has a commandType other than 128, 129 and 130")
  end
  return command and command.value or false
end

-- An MQTT device gets the message on the topic named. A GB/T 32960 device has no topics; what goes to its gateway is
-- published where a spec can see it: /${ProductKey}/${DeviceName}/gbt32960/${commandType}.
local function topic_of(values)
  local command, ok, problem
  if values.ExtInfo then
    command, problem = read_command_type(values.ExtInfo)
    if problem then
      return nil, problem
    end
  end
  local topic = values.TopicFullName
  if not topic then
    if not command then
      return iot.business("iot.messagebroker.NullTopicName", "The topic name is empty.")
    end
    return ("/%s/%s/gbt32960/%d"):format(values.ProductKey, values.DeviceName, command)
  end
  ok, problem = iot.check_topic_text(topic)
  local owner = ok and iot.owner_of(topic)
  if owner then
    ok, problem = iot.check_topic_owner(owner, values)
  end
  return ok and topic or nil, problem
end

local function not_reached(values, topic, presence)
  local prefix = ("/%s/%s/"):format(values.ProductKey, values.DeviceName)
  if presence:has_seen(topic, prefix) then
    return iot.business("iot.device.OfflineDevice", "The device is offline.")
  end
  return iot.business("iot.device.InactiveDevice", "The device is inactive.")
end

local function run(values, context)
  local ok, topic, payload
  local _, problem = iot.check_owner(values, context)
  if not problem and context.is_unknown(values.DeviceName) then
    _, problem = iot.business("iot.Device.NotExistedDevice", "This device does not exist.")
  end
  if not problem then
    topic, problem = topic_of(values)
  end
  if not problem then
    payload, problem = iot.read_content(values.MessageContent)
  end
  if problem then
    return nil, problem
  end
  -- QoS 1, because only then does the broker say whether anybody is there.
  local reached
  ok, problem, reached = context.publish({ topic = topic, payload = payload, qos = 1 })
  if not ok then
    return iot.not_published(problem)
  elseif context.presence and not reached then
    return not_reached(values, topic, context.presence)
  end
  local message_id = context.next_message_id()
  return { { "Success", true }, { "MessageId", reply.integer(message_id) } }, message_id
end

return {
  product = "Iot",
  version = "2018-01-20",
  name = "AsyncRRpc",
  methods = { GET = true, POST = true },
  parameters = parameters,
  run = run,
}
