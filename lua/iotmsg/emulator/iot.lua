-- What the actions of Alibaba Cloud IoT Platform have in common: how they refuse, and the checks of product,
-- device, instance, topic and content that the vendor documents for all of them.

local base64 = require "iotmsg.emulator.base64"
local packet = require "iotmsg.emulator.mqtt_packet"

local PAYLOAD_MAX = 256 * 1024

local iot = {}

---A business error: the request is sound, the platform refuses it.
---@return nil
---@return table problem { code, message }
function iot.business(code, message)
  return nil, { code = code, message = message }
end

---A gateway error.
---@return nil
---@return table problem { status, code, message }
function iot.invalid(name, reason)
  local message = ("The parameter %s %s."):format(name, reason)
  return nil, { status = 400, code = "InvalidParameter." .. name, message = message }
end

-- /${ProductKey}/${DeviceName}/user/…, /sys/${ProductKey}/${DeviceName}/…, /broadcast/${ProductKey}/…
---@param topic string
---@return string|nil product_key
function iot.owner_of(topic)
  local owner = topic:match("^/sys/([^/]+)/[^/]+/.") or topic:match("^/broadcast/([^/]+)/.")
  if not owner then
    owner = topic:match("^/([^/]+)/[^/]+/user/.")
    owner = owner ~= "sys" and owner ~= "broadcast" and owner or nil
  end
  return owner
end

---@param values table
---@param context table { iot_instance_id (nil: any) }
---@return boolean|nil ok
---@return table|nil problem
function iot.check_owner(values, context)
  if context.iot_instance_id and values.IotInstanceId ~= context.iot_instance_id then
    return iot.business("iot.Sre.IotInstanceNotFound", "The IoT instance is not found.")
  elseif values.ProductKey == "" then
    return iot.business("iot.prod.NullProductKey", "The ProductKey is empty.")
  end
  -- The documentation masks product keys with asterisks; its examples are accepted as they stand.
  if not values.ProductKey:find("^[A-Za-z0-9_*-]+$") or #values.ProductKey > 64 then
    return iot.business("iot.prod.InvalidFormattedProductkey", "The ProductKey format is incorrect.")
  end
  local name = values.DeviceName
  if name == "" then
    return iot.business("iot.device.NullDeviceName", "The deviceName is empty.")
  elseif name and (#name > 128 or not packet.is_topic(name)) then
    return iot.business("iot.device.InvalidFormattedDeviceName", "The deviceName format is incorrect.")
  end
  return true
end

---@param topic string
---@return boolean|nil ok
---@return table|nil problem
function iot.check_topic_text(topic)
  if topic == "" then
    return iot.business("iot.messagebroker.NullTopicName", "The topic name is empty.")
  elseif not packet.is_topic(topic) then
    return iot.business("iot.messagebroker.InvalidFormattedTopicName", "The topic format is incorrect.")
  end
  return true
end

---@param owner string a product key out of a topic
---@param values table
---@return boolean|nil ok
---@return table|nil problem
function iot.check_topic_owner(owner, values)
  if owner ~= values.ProductKey then
    return iot.business("iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner",
      "The ProductKey does not own the topic.")
  end
  return true
end

---@param text string MessageContent
---@return string|nil payload
---@return table|nil problem
function iot.read_content(text)
  local payload = base64.decode(text)
  if not payload then
    return iot.business("iot.messagebroker.MessageContentIsNotBase64Encode",
      "The message content is not Base64 encoded.")
  elseif #payload > PAYLOAD_MAX then
    return iot.invalid("MessageContent", "exceeds 256 KB")
  end
  return payload
end

---@param problem string from the broker
---@return nil
---@return table problem
function iot.not_published(problem)
  return iot.business("iot.messagebroker.PublishMessageException",
    "The message could not be published: " .. problem .. ".")
end

return iot
