-- huawei.send: IoTDA delivers a message to a device. Source: Huawei Cloud IoTDA, API reference, "Deliver a Message to a
-- Device" (CreateMessage); where the page and the vendor's SDKs disagree about a limit, the looser one holds.

local catalogue = require "iotmsg.catalogue.huawei"
local check = require "iotmsg.check"
local core = require "iotmsg.core"
local endpoint_of = require "iotmsg.endpoint"
local Error = require "iotmsg.error"
local json = require "iotmsg.json"
local payload = require "iotmsg.operation.payload"
local reply_of = require "iotmsg.reply"
local status_of = require "iotmsg.operation.huawei_status"
local text = require "iotmsg.text"
local verdict_of = require "iotmsg.catalogue.verdict"
local version = require "iotmsg.version"

-- "Limits": 256 KB for the whole message.
local PAYLOAD_MAX = 256 * 1024
local SERVICE = "iotdm" -- the name under which the vendor's SDKs derive keys
local ID = "^[%w_-]+$"
local ID_SAYS = "must consist of letters, digits, _ and -"

-- At most so many characters of ASCII in the set, and Chinese ones where the vendor's Chinese page allows them.
local function characters(limit, ascii, others)
  local pattern = "^[" .. ascii .. (others and "\128-\255" or "") .. "]*$"
  return function(value)
    local count = select(2, value:gsub("[^\128-\191]", ""))
    if count > limit then return nil, ("has %d characters; the limit is %d"):format(count, limit) end
    if not value:find(pattern) then return nil, "holds a character that is not allowed there" end
    return value
  end
end

local NAME = "%w_?'#().,&%%@!%-"

local read_property_value = characters(128, "%w_ ?'#().,&%%@!%-", true)

local function check_property(key, value)
  if not key:find(ID) then return "must have a key of letters, digits, _ and -" end
  return (select(2, read_property_value(value)))
end

local function read_ttl(value)
  if value % 5 ~= 0 then return nil, ("must be a multiple of 5 minutes, not %d"):format(value) end
  return value
end

local read_bytes = payload.payload(PAYLOAD_MAX).read

-- A string, or a table that is a JSON object; as_object tells check which it was.
local function read_payload(value)
  local bytes, what, field = read_bytes(value)
  if not bytes then return nil, what, field end
  if type(value) ~= "table" then return { text = bytes } end
  if bytes:sub(1, 1) ~= "{" then return nil, "must be a JSON object or a string: IoTDA takes no arrays" end
  return { object = bytes }
end

---@class iotmsg.HuaweiSendParameters
---@field project_id string
---@field device_id string
---@field payload string|table the message: a string, or a table sent as a JSON object; at most 256 KB
---@field message_id string? unique for the device; made when absent, and kept over retries, so that none can double
---@field name string?
---@field encoding string? "none" (default), or "base64": any bytes, sent as Base64
---@field payload_format string? "standard" (default): the device receives the platform's JSON envelope; "raw": the
---message itself
---@field topic string? suffix after $oc/devices/<device id>/user/; or
---@field topic_full_name string? a topic of one's own; not both
---@field ttl integer? minutes the platform keeps the message for an offline device: 0 to 1440, a multiple of 5
---@field correlation_data string? MQTT 5
---@field response_topic string? MQTT 5
---@field user_properties table? MQTT 5, a map or { { key, value }, … }, at most 20
---@field instance_id string? required for some editions, recommended for all

local M = {
  name = "huawei_send",
  product = "IoTDA",
  idempotent = true, -- its message_id makes a second arrival of the same message an error
  from_settings = { "project_id", "instance_id" },
}

M.rules = check.rules {
  { name = "project_id", type = "string", required = true, max = 128, pattern = ID, says = ID_SAYS },
  { name = "device_id", type = "string", required = true, max = 128, pattern = ID, says = ID_SAYS },
  { name = "payload", type = "any", required = true, read = read_payload },
  { name = "message_id", type = "string", max = 128, pattern = ID, says = ID_SAYS },
  { name = "name", type = "string", max = 512, read = characters(128, NAME, true) },
  { name = "encoding", type = "string", one_of = { "none", "base64" } },
  { name = "payload_format", type = "string", one_of = { "standard", "raw" } },
  { name = "topic", type = "string", max = 128, read = payload.topic },
  { name = "topic_full_name", type = "string", max = 128, read = payload.topic },
  { name = "ttl", type = "integer", min = 0, max = 1440, read = read_ttl },
  { name = "correlation_data", type = "string", max = 128, pattern = ID, says = ID_SAYS },
  { name = "response_topic", type = "string", max = 128, read = characters(128, "%w_%-?=$#+/") },
  payload.user_properties { count = 20, key_max = 128, check = check_property },
  { name = "instance_id", type = "string", max = 128 },
}

M.hints = {
  message = "is called payload here: pass what you want to say",
  properties = "is no table here: user_properties, response_topic and correlation_data stand by themselves",
}

---@param values table
---@return iotmsg.Error? err
function M.check(values)
  if values.topic and values.topic_full_name then
    return Error.invalid("topic_full_name", "and topic exclude each other")
  end
  local said = values.payload
  if values.encoding == "base64" then
    if values.payload_format then
      return Error.invalid("payload_format", 'has a meaning only without encoding = "base64"')
    end
    if said.object then return Error.invalid("payload", 'must be a string with encoding = "base64"') end
    said.text = core.base64.encode(said.text)
  elseif said.text and not text.is_utf8(said.text) then
    return Error.invalid("payload", 'must be UTF-8; for other bytes pass encoding = "base64"')
  end
end

local function properties_of(values)
  if not (values.correlation_data or values.response_topic or values.user_properties) then return nil end
  local list
  for i, property in ipairs(values.user_properties or {}) do
    list = list or {}
    list[i] = { prop_key = property[1], prop_value = property[2] }
  end
  return { correlation_data = values.correlation_data, response_topic = values.response_topic, user_properties = list }
end

local BODY_FIELDS = { "name", "encoding", "payload_format", "topic", "topic_full_name", "ttl" }

---@param values table
---@return table message
function M.build(_, values)
  local message_id = values.message_id or core.engine.uuid()
  local body = { message_id = message_id, properties = properties_of(values) }
  for _, name in ipairs(BODY_FIELDS) do body[name] = values[name] end
  local said = values.payload
  local rest = json.encode(body, "body")
  local message = said.object or json.encode(said.text, "payload")
  return {
    path = ("/v5/iot/%s/devices/%s/messages"):format(values.project_id, values.device_id),
    body = ('{"message":%s,%s'):format(message, rest:sub(2)),
    project_id = values.project_id,
    instance_id = values.instance_id,
    message_id = message_id,
    payload_bytes = #message,
  }
end

-- Which signature, and for which region. Dedicated instances want the derived one; their hosts name the region.
local function scope_of(settings, endpoint)
  local dedicated = endpoint_of.dedicated_region(endpoint)
  local derived = settings.derived
  if derived == nil then derived = dedicated ~= nil end
  if not derived then return nil end
  return settings.region or dedicated
end

---@param settings table
---@param endpoint iotmsg.Endpoint
---@return iotmsg.Error? err
function M.check_endpoint(settings, endpoint)
  if settings.derived and not scope_of(settings, endpoint) then
    return Error.invalid("region", "must be given with derived = true: this endpoint does not tell it")
  end
end

---@param message table
---@param credentials iotmsg.Credentials
---@param settings table
---@param endpoint iotmsg.Endpoint
---@param unix_seconds integer
---@return iotmsg.Request?
---@return string? why
function M.sign(message, credentials, settings, endpoint, unix_seconds)
  local headers = {
    host = endpoint.authority,
    ["content-type"] = "application/json",
    ["x-project-id"] = message.project_id,
    ["instance-id"] = message.instance_id,
  }
  local request = { method = "POST", url = endpoint.url .. message.path, headers = headers, body = message.body }
  if credentials.auth_token then
    headers["x-auth-token"] = credentials.auth_token
  else
    headers["x-sdk-date"] = os.date("!%Y%m%dT%H%M%SZ", unix_seconds)
    headers["x-security-token"] = credentials.security_token
    local region = scope_of(settings, endpoint)
    local authorization, signature, string_to_sign, canonical_request = core.sign.huawei("POST", message.path, nil,
      headers, message.body, credentials.access_key_id, credentials.access_key_secret, region, region and SERVICE)
    if not authorization then return nil, signature end
    headers.authorization = authorization
    request.signature, request.string_to_sign = signature, string_to_sign
    request.canonical_request = canonical_request
  end
  headers["user-agent"] = "iotmsg/" .. version -- after signing: every header there at the time is signed
  return request
end

local function request_id_of(reply, body)
  local id = body and body.request_id
  if type(id) == "number" then id = tostring(id) end
  return type(id) == "string" and id ~= "" and id or reply_of.header(reply, "x-request-id")
end

local function failure(reply, body, verdict, fields)
  return Error.new {
    kind = verdict.kind,
    outcome = verdict.outcome,
    retryable = verdict.retryable,
    renews = verdict.renews,
    message = fields.message,
    code = fields.code,
    result = fields.result,
    message_id = fields.message_id,
    http_status = reply.status,
    request_id = request_id_of(reply, body),
    retry_after_ms = reply_of.retry_after_ms(reply),
    body = body,
  }
end

local NOT_DELIVERED = { kind = "device", outcome = "rejected", retryable = false }

local function unreadable(reply)
  local what, is_page = reply_of.describe(reply)
  return failure(reply, nil, verdict_of.of_unreadable(reply.status, is_page), { message = what })
end

---@param reply iotmsg.Reply
---@param message table what was sent
---@param after_unknown boolean an earlier try of this call may have been taken
---@return iotmsg.Result?
---@return iotmsg.Error?
function M.parse(reply, message, after_unknown)
  local body = reply_of.decode(reply)
  if not body then return nil, unreadable(reply) end
  local code, what = catalogue.error_of(body)
  if code or reply.status >= 400 then
    local verdict = catalogue.verdict(code, reply.status)
    if after_unknown and verdict.kind == "refused" and catalogue.is_duplicate(what) then
      return { message_id = message.message_id, duplicate = true, http_status = reply.status,
        request_id = request_id_of(reply, body), body = body }
    end
    return nil, failure(reply, body, verdict,
      { message = what or ("HTTP status %d"):format(reply.status), code = code })
  end
  local result = status_of.result(body.result)
  if reply.status < 200 or reply.status >= 300 or type(body.message_id) ~= "string"
    or body.message_id == "" then
    return nil, failure(reply, body, verdict_of.NOT_UNDERSTOOD,
      { message = ("a reply without message_id, HTTP status %d"):format(reply.status) })
  end
  if result and (result.status == "FAILED" or result.status == "TIMEOUT") then
    return nil, failure(reply, body, NOT_DELIVERED, { result = result, message_id = body.message_id,
      message = "the platform could not deliver the message: " .. result.status })
  end
  return { message_id = body.message_id, request_id = request_id_of(reply, body), http_status = reply.status,
    result = result, body = body }
end

return M
