-- SendMessage: ApsaraMQ for MQTT sends one message to a topic of an instance. Source: Alibaba Cloud, ApsaraMQ for MQTT,
-- API reference, "SendMessage", version 2020-04-20.

local check = require "iotmsg.check"
local core = require "iotmsg.core"
local Error = require "iotmsg.error"
local payload = require "iotmsg.operation.payload"
local rpc = require "iotmsg.operation.rpc"
local text = require "iotmsg.text"

-- "Limits": larger messages are discarded.
local PAYLOAD_MAX = 64 * 1024
-- The vendor's SDKs put the payload into the query whatever its size, and servers refuse long request lines (431 from
-- one of 16 kB, seen). From here on it travels in the form. V1 signs the same either way; for V3, which hashes query
-- and form apart, no live cloud has confirmed it.
local QUERY_MAX = 8 * 1024

local function put_payload(value, query, form)
  local _, escapes = value:gsub("[^%w_.~-]", "")
  local where = #value + 2 * escapes <= QUERY_MAX and query or form
  where.Payload = value
end

-- "Limits": the parent topic has at most 64 characters of A-Z a-z 0-9 - _. What follows is the device's business:
-- subtopics, or p2p/<group id>@@@<device id>.
local function read_topic(value)
  local parent = value:match("^[^/]*")
  if not parent:find("^[%w_-]+$") then
    return nil, "must begin with a parent topic of letters, digits, - and _"
  end
  if #parent > 64 then return nil, ("has a parent topic of %d characters; the limit is 64"):format(#parent) end
  return payload.topic(value)
end

---@class iotmsg.SendMessageParameters
---@field instance_id string e.g. "post-cn-0pp12gl****"
---@field mqtt_topic string a parent topic, parent/sub/…, or parent/p2p/<group id>@@@<device id>
---@field payload string|table the device receives this UTF-8 text; a table as a JSON object; at most 64 KB
---@field encoding string? "base64": any bytes, and the device receives them as Base64 text

local M = {
  name = "send_message",
  product = "OnsMqtt",
  version = "2020-04-20",
  action = "SendMessage",
  qps = 300,
  -- The vendor blocks a source address above 300 calls a second, whoever's keys they carry.
  quota_account = "source address",
  from_settings = { "instance_id" },
}

M.rules = check.rules {
  rpc.rule({ name = "instance_id", type = "string", required = true, max = 128 }, "InstanceId"),
  rpc.rule({ name = "mqtt_topic", type = "string", required = true, max = payload.STRING_MAX, read = read_topic },
    "MqttTopic"),
  rpc.rule(payload.payload(PAYLOAD_MAX), put_payload),
  rpc.rule({ name = "encoding", type = "string", one_of = { "base64" } }, function() end),
}

local SAY_PAYLOAD = "is called payload here: pass what you want to say"
M.hints = { Payload = SAY_PAYLOAD, message = SAY_PAYLOAD, MessageContent = SAY_PAYLOAD, message_content = SAY_PAYLOAD,
  qos = "is nothing that SendMessage has", topic_full_name = "is called mqtt_topic here" }

---@param values table
---@return iotmsg.Error? err
function M.check(values)
  if values.encoding == "base64" then
    values.payload = core.base64.encode(values.payload)
    if #values.payload > PAYLOAD_MAX then
      return Error.invalid("payload", ("is %d bytes long as Base64; the limit is %d"):format(#values.payload,
        PAYLOAD_MAX))
    end
  elseif not text.is_utf8(values.payload) then
    return Error.invalid("payload", 'must be UTF-8 text; for other bytes pass encoding = "base64", '
      .. "and the device receives Base64 text")
  end
end

M.build = rpc.build
M.sign = rpc.sign
M.parse = rpc.parser "MsgId"

return M
