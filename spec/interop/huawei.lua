-- Huawei IoTDA's CreateMessage, said in iotmsg's words and in the vendor's, as operations.lua does for Alibaba Cloud.
-- Some parameters exclude each other, so that it takes several messages to show all of them.

local base64 = require("spec.support.rpc_client").base64
local operations = require "spec.interop.operations"
local sdk = require "spec.interop.sdk"

local M = {}

M.PROJECT_ID = "0123456789abcdef0123456789abcdef"
M.REGION = "cn-north-4" -- the emulator's
M.ACTION = "CreateMessage"

local DEVICE = "interop_device-1"
local PREFIX = "$oc/devices/" .. DEVICE
local EVERY_BYTE = operations.PAYLOADS[3].bytes
local UTF8 = "你好，世界 — grüß dich 😀 \"quoted\\\" </script> \t\r\n"

local user_properties, user_properties_dto = {}, {}
for index, value in ipairs { "plain", "a b", "?'#().,&%@!-", "你好", "repeated", "" } do
  local key = index == 5 and "key1" or "key" .. index
  user_properties[index], user_properties_dto[index] = { key, value }, { prop_key = key, prop_value = value }
end

---@class iotmsg.spec.huawei_parameter
---@field ours string
---@field value any
---@field theirs string a dot leads into a member of the body
---@field where string "path", "header" or "body"
---@field their_value any where it differs from ours
---@field of_client boolean? the SDK takes it with the credentials, not with the request
---@field arrives string? the member of the device's message that shows it

local function path(ours, value, of_client)
  return { ours = ours, value = value, theirs = ours, where = "path", of_client = of_client }
end

local function body(ours, value, more)
  local parameter = { ours = ours, value = value, theirs = ours, where = "body" }
  for name, member in pairs(more or {}) do parameter[name] = member end
  return parameter
end

local function payload(value, said)
  return body("payload", value, { theirs = "message", their_value = said })
end

-- What every message has, and the given. content: the bytes the device must receive; a table: JSON that means this.
-- in_envelope: inside the platform's own JSON.
local function case(name, message)
  local all = {
    path("project_id", M.PROJECT_ID, true),
    path("device_id", DEVICE),
    { ours = "instance_id", value = "interop-instance", theirs = "Instance-Id", where = "header" },
  }
  for _, parameter in ipairs(message) do all[#all + 1] = parameter end
  return { name = name, parameters = all, topic = message.topic, content = message.content,
    in_envelope = message.in_envelope }
end

local OBJECT = { text = "你好", number = 1, list = { true, "two" }, empty = "" }

M.cases = {
  case("a text in the platform's envelope", {
    payload(UTF8),
    body("name", "温度_?'#().,&%@!-9"),
    body("encoding", "none"),
    body("payload_format", "standard"),
    topic = PREFIX .. "/sys/messages/down", content = UTF8, in_envelope = true,
  }),
  case("UTF-8 as it is, with properties", {
    payload(UTF8),
    body("payload_format", "raw"),
    body("topic", "news/~(你好)"),
    body("ttl", 60),
    body("correlation_data", "Corr_1-a", { theirs = "properties.correlation_data", arrives = "correlation_data" }),
    body("response_topic", "$oc/devices/x/user/a?=b-_", { theirs = "properties.response_topic",
      arrives = "response_topic" }),
    body("user_properties", user_properties, { theirs = "properties.user_properties",
      their_value = user_properties_dto, arrives = "user_properties" }),
    topic = PREFIX .. "/user/news/~(你好)", content = UTF8,
  }),
  case("a JSON object", {
    payload(OBJECT),
    body("payload_format", "raw"),
    body("topic_full_name", "$oc/devices/interop/own topic"),
    topic = "$oc/devices/interop/own topic", content = OBJECT,
  }),
  case("all 256 byte values", {
    payload(EVERY_BYTE, base64(EVERY_BYTE)),
    body("encoding", "base64"),
    body("ttl", 0),
    topic = PREFIX .. "/sys/messages/down", content = EVERY_BYTE,
  }),
}

M.clients = { sdk.huawei_python, sdk.huawei_python_derived, sdk.huawei_node, sdk.huawei_node_derived }

local serial = 0

---One message in both languages, with a message id of its own.
---@param of table one of cases
---@return table<string, any> ours for iotmsg
---@return table theirs { device_id, instance_id, body } for the SDK
---@return table<string, any> arrives what the device's message must show beside topic and content
function M.message(of)
  serial = serial + 1
  local id = ("interop_%d-%d"):format(os.time(), serial)
  local ours, arrives = { message_id = id }, {}
  local theirs = { device_id = DEVICE, body = { message_id = id } }
  for _, parameter in ipairs(of.parameters) do
    local value = parameter.their_value == nil and parameter.value or parameter.their_value
    ours[parameter.ours] = parameter.value
    if parameter.where == "header" then theirs.instance_id = value end
    if parameter.where == "body" then
      local parent, member = parameter.theirs:match("^(%w+)%.([%w_]+)$")
      local object = theirs.body
      if parent then
        object[parent] = object[parent] or {}
        object = object[parent]
      end
      object[member or parameter.theirs] = value
    end
    if parameter.arrives then arrives[parameter.arrives] = parameter.value end
  end
  return ours, theirs, arrives
end

---@return iotmsg.spec.huawei_parameter[] every parameter once, as some message has it
function M.parameters()
  local all, seen = {}, {}
  local function add(parameter)
    if not seen[parameter.ours] then
      seen[parameter.ours] = true
      all[#all + 1] = parameter
    end
  end
  for _, of in ipairs(M.cases) do
    for _, parameter in ipairs(of.parameters) do add(parameter) end
  end
  add(body "message_id")
  return all
end

return M
