-- The two MQTT 5 packets of a subscriber, as bytes: SUBSCRIBE written and PUBLISH read (OASIS MQTT 5.0, 3.8
-- and 3.3). Enough to listen at QoS 0, which needs no acknowledgement.

local byte, char, floor, sub = string.byte, string.char, math.floor, string.sub

local mqtt_subscription = {}

mqtt_subscription.PUBLISH = 3
local PACKET_ID = 1

---@param filter string shorter than 100 bytes
---@return string
function mqtt_subscription.subscribe(filter)
  local body = "\0" .. char(PACKET_ID) .. "\0" .. char(floor(#filter / 256), #filter % 256) .. filter .. "\0"
  return "\130" .. char(#body) .. body
end

---@param body string of a PUBLISH at QoS 0
---@return string topic
---@return string payload
function mqtt_subscription.read_publish(body)
  local high, low = byte(body, 1, 2)
  local at = 3 + high * 256 + low
  local topic = sub(body, 3, at - 1)
  local length, weight = 0, 1
  repeat
    local digit = byte(body, at)
    length, weight, at = length + digit % 128 * weight, weight * 128, at + 1
  until digit < 128
  return topic, sub(body, at + length)
end

return mqtt_subscription
