-- SendMessage of ApsaraMQ for MQTT (OnsMqtt 2020-04-20): publishes a text as it is, to a topic of one or more
-- levels or to the P2P topic of one device. Its errors are real HTTP errors; the answer has no Success.

local message_id = require "iotmsg.emulator.message_id"
local packet = require "iotmsg.emulator.mqtt_packet"
local unicode = require "iotmsg.emulator.unicode"

local PAYLOAD_MAX = 64 * 1024
local NAME_MAX = 64

local parameters = {
  { name = "InstanceId", type = "string", required = true, position = "query" },
  { name = "MqttTopic", type = "string", required = true, position = "query" },
  { name = "Payload", type = "string", required = true, multiline = true },
}

local function invalid(name)
  return nil, { status = 400, code = "InvalidParameter." .. name, message = "An error occurred while validating the "
    .. "parameter. The parameter may be missing or invalid." }
end

-- parent, parent/sub/…, or parent/p2p/GID_group@@@device.
local function is_topic(topic)
  local parent, rest = topic:match("^([A-Za-z0-9_-]+)(.*)$")
  if not parent or #parent > NAME_MAX or (rest ~= "" and rest:sub(1, 1) ~= "/") or not packet.is_topic(topic) then
    return false
  end
  if rest == "/p2p" or rest:find("^/p2p/") then
    local client_id = rest:match("^/p2p/(.*)$") or ""
    return #client_id <= NAME_MAX and client_id:find("^[A-Za-z0-9_-]+@@@[^/@]+$") ~= nil
  end
  return true
end

local function check(values, context)
  if not values.InstanceId:find("^[A-Za-z0-9_*-]+$") or #values.InstanceId > NAME_MAX then
    return invalid("InstanceId")
  elseif context.instance_id and values.InstanceId ~= context.instance_id then
    return nil, { status = 400, code = "InstancePermissionCheckFailed", message = "An error occurred while validating "
      .. "the permissions of the instance. Please verify the account that created the instance and its permissions "
      .. "settings." }
  elseif not is_topic(values.MqttTopic) then
    return invalid("MqttTopic")
  elseif #values.Payload > PAYLOAD_MAX or not unicode.length(values.Payload) then
    return invalid("Payload")
  end
  return true
end

local function run(values, context)
  local ok, problem = check(values, context)
  if not ok then
    return nil, problem
  end
  ok = context.publish({ topic = values.MqttTopic, payload = values.Payload, qos = 1 })
  if not ok then
    return nil, { status = 500, code = "SendMessageFailed",
      message = "A storage exception occurred while sending the message. Please try again." }
  end
  local id = message_id.hexadecimal()
  return { { "MsgId", id } }, id
end

return {
  product = "OnsMqtt",
  version = "2020-04-20",
  name = "SendMessage",
  methods = { POST = true },
  parameters = parameters,
  run = run,
}
