-- Alibaba's RPC-style actions: what all of them share between a checked message and a result. A message becomes query
-- and form parameters, those become a signed request, and a reply becomes a result or an error. Pure: time and nonce
-- are arguments.

local catalogue = require "iotmsg.catalogue.aliyun"
local core = require "iotmsg.core"
local Error = require "iotmsg.error"
local reply_of = require "iotmsg.reply"
local verdict_of = require "iotmsg.catalogue.verdict"
local version = require "iotmsg.version"

local M = {}

local USER_AGENT = "iotmsg/" .. version
local FORM = "application/x-www-form-urlencoded"

---@class iotmsg.Message
---@field product string
---@field version string
---@field action string
---@field query table<string, string>
---@field form table<string, string>
---@field payload_bytes integer what the message counts for while it is pending

---@class iotmsg.Request
---@field method string
---@field url string
---@field headers table<string, string>
---@field body string
---@field string_to_sign string
---@field canonical_request string? V3 only; V1 has none
---@field signature string

local function as_text(value)
  if type(value) == "number" then return ("%d"):format(value) end
  return tostring(value)
end

---A rule with the way its value travels: a name in the query, or a function that puts it where it belongs.
---@param rule iotmsg.Rule
---@param wire string|fun(value: any, query: table, form: table)
---@return iotmsg.Rule
function M.rule(rule, wire)
  rule.wire = wire
  return rule
end

---MessageContent is Base64, and the one parameter of Pub and AsyncRRpc that travels in the form.
function M.put_message_content(value, _, form)
  form.MessageContent = core.base64.encode(value)
end

---Turns checked values into wire parameters: rule.wire names a parameter, or is a function that adds several.
---@param operation table
---@param values table<string, any>
---@return iotmsg.Message
function M.build(operation, values)
  local query, form = {}, {}
  local by_name = operation.rules.by_name
  for name, value in pairs(values) do
    local rule = by_name[name]
    if type(rule.wire) == "function" then
      rule.wire(value, query, form)
    else
      query[rule.wire] = as_text(value)
    end
  end
  return { product = operation.product, version = operation.version, action = operation.action,
    query = query, form = form, payload_bytes = #values.payload }
end

local function copy(from)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  return to
end

-- The common parameters travel beside the action's own. Source: Alibaba Cloud, "Common parameters" of IoT Platform;
-- RegionId is marked required there and not sent by the vendor's SDKs, so it is sent where it is known.
local function sign_v1(message, credentials, settings, endpoint, timestamp, nonce)
  local query = copy(message.query)
  query.Action = message.action
  query.Version = message.version
  query.Format = settings.format == "xml" and "XML" or "JSON"
  query.Timestamp = timestamp
  query.SignatureMethod = "HMAC-SHA1"
  query.SignatureVersion = "1.0"
  query.SignatureNonce = nonce
  query.AccessKeyId = credentials.access_key_id
  query.SecurityToken = credentials.security_token
  query.RegionId = query.RegionId or settings.region
  local signature, string_to_sign, url_query, body = core.sign.aliyun_v1("POST", query, message.form,
    credentials.access_key_secret)
  if not signature then return nil, string_to_sign end
  return {
    method = "POST",
    url = endpoint.url .. "/?" .. url_query,
    headers = { host = endpoint.authority, accept = "application/json", ["content-type"] = FORM,
      ["user-agent"] = USER_AGENT },
    body = body,
    string_to_sign = string_to_sign,
    signature = signature,
  }
end

local function sign_v3(message, credentials, settings, endpoint, timestamp, nonce)
  local body = core.sign.query(message.form)
  local url_query = core.sign.query(message.query)
  local headers = {
    host = endpoint.authority,
    accept = settings.format == "xml" and "application/xml" or "application/json",
    ["user-agent"] = USER_AGENT,
    ["x-acs-action"] = message.action,
    ["x-acs-version"] = message.version,
    ["x-acs-date"] = timestamp,
    ["x-acs-signature-nonce"] = nonce,
    ["x-acs-content-sha256"] = core.sign.sha256_hex(body),
    ["content-type"] = FORM,
  }
  if credentials.security_token then
    headers["x-acs-accesskey-id"] = credentials.access_key_id
    headers["x-acs-security-token"] = credentials.security_token
  end
  local authorization, signature, string_to_sign, canonical_request = core.sign.aliyun_v3("POST", "/", message.query,
    headers, body, credentials.access_key_id, credentials.access_key_secret)
  if not authorization then return nil, signature end
  headers.authorization = authorization
  return {
    method = "POST",
    url = endpoint.url .. "/" .. (url_query ~= "" and "?" .. url_query or ""),
    headers = headers,
    body = body,
    string_to_sign = string_to_sign,
    canonical_request = canonical_request,
    signature = signature,
  }
end

-- One second's timestamp serves all requests of that second.
local last_seconds, last_timestamp

local function timestamp_of(unix_seconds)
  if unix_seconds ~= last_seconds then
    last_seconds, last_timestamp = unix_seconds, os.date("!%Y-%m-%dT%H:%M:%SZ", unix_seconds)
  end
  return last_timestamp
end

---@param message iotmsg.Message
---@param credentials iotmsg.Credentials
---@param settings table
---@param endpoint iotmsg.Endpoint
---@param unix_seconds integer the time of the request
---@param nonce string unique for half an hour
---@return iotmsg.Request?
---@return string? why
function M.sign(message, credentials, settings, endpoint, unix_seconds, nonce)
  local sign = settings.signature == "v1" and sign_v1 or sign_v3
  return sign(message, credentials, settings, endpoint, timestamp_of(unix_seconds), nonce)
end

-- The id of a message as text; nil for what is no id. Integers of 15 digits and more arrive as strings already.
local function id_of(value)
  if type(value) == "number" and value == math.floor(value) and math.abs(value) < 1e15 then return as_text(value) end
  if type(value) == "string" and value ~= "" then return value end
end

local GOOD_CODES = { [""] = true, ["200"] = true, OK = true, Success = true, success = true }

local function request_id_of(reply, body)
  return body and body.RequestId and tostring(body.RequestId) or reply_of.header(reply, "x-acs-request-id")
end

local function failure(reply, body, verdict, message)
  return Error.new {
    kind = verdict.kind,
    outcome = verdict.outcome,
    retryable = verdict.retryable,
    renews = verdict.renews,
    message = message,
    code = body and body.Code and tostring(body.Code),
    http_status = reply.status,
    request_id = request_id_of(reply, body),
    retry_after_ms = reply_of.retry_after_ms(reply),
    body = body,
  }
end

local function unreadable(reply)
  local what, is_page = reply_of.describe(reply)
  return failure(reply, nil, verdict_of.of_unreadable(reply.status, is_page), what)
end

---@param reply iotmsg.Reply
---@param id_name string? the member that carries the message id; without it, it must be there
---@return table? result
---@return iotmsg.Error? err
function M.parse(reply, id_name)
  local body = reply_of.decode(reply)
  if not body then return nil, unreadable(reply) end
  local code = body.Code ~= nil and tostring(body.Code) or nil
  local refused = body.Success == false or code and not GOOD_CODES[code]
  if refused or reply.status >= 400 then
    local message = body.ErrorMessage or body.Message or ("HTTP status %d"):format(reply.status)
    return nil, failure(reply, body, catalogue.verdict(code, reply.status), tostring(message))
  end
  local id = id_name and id_of(body[id_name])
  if reply.status < 200 or reply.status >= 300 or id_name and not id then
    local message = reply.status >= 300 and ("a redirect, HTTP status %d"):format(reply.status)
      or ("a reply without %s"):format(tostring(id_name))
    return nil, failure(reply, body, verdict_of.NOT_UNDERSTOOD, message)
  end
  return {
    message_id = id or id_of(body.MessageId) or id_of(body.MsgId),
    request_id = request_id_of(reply, body),
    http_status = reply.status,
    body = body,
  }
end

---@param id_name string? the member that carries the message id
---@return fun(reply: iotmsg.Reply): iotmsg.Result?, iotmsg.Error? parse of an operation
function M.parser(id_name)
  return function(reply) return M.parse(reply, id_name) end
end

return M
