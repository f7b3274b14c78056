-- From a device message as the application sent it to what the device receives: topic, payload, properties.
-- Pure; who may send and whether the device is there are other files' matters.

local base64 = require "iotmsg.emulator.base64"
local json = require "iotmsg.emulator.json"

local envelope = {}

local function topic_of(device_id, values)
  if values.topic_full_name then
    return values.topic_full_name
  elseif values.topic then
    return "$oc/devices/" .. device_id .. "/user/" .. values.topic
  end
  return "$oc/devices/" .. device_id .. "/sys/messages/down"
end

-- A text reaches the device as UTF-8 without needless escapes, an object as it was written, digits and spaces included.
local function payload_of(device_id, values, source)
  local content = values.message
  if values.encoding == "base64" then
    return content.kind == "string" and base64.decode(content.value) or nil
  elseif values.payload_format == "raw" then
    return content.kind == "string" and content.value or json.source(source, content)
  end
  return json.encode({ fields = {
    { "object_device_id", device_id },
    { "name", values.name },
    { "id", values.message_id },
    { "content", content.kind == "string" and content.value or json.raw(json.source(source, content)) },
  } })
end

---@param device_id string
---@param values table what field.read_message returned, with a message_id
---@param source string the body it was read from
---@return iotmsg.emulator.message|nil message nil when `encoding` is base64 and the message is not
function envelope.message(device_id, values, source)
  local payload = payload_of(device_id, values, source)
  if not payload then
    return nil
  end
  local properties = values.properties or {}
  return {
    topic = topic_of(device_id, values),
    payload = payload,
    qos = 1,
    response_topic = properties.response_topic,
    correlation_data = properties.correlation_data,
    user_properties = properties.user_properties,
  }
end

return envelope
