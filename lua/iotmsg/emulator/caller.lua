-- Decides whether a caller of the RPC gateway is who it claims to be: key, token, time, signature and nonce,
-- V1 and V3. The signature is checked before the nonce is remembered, so that a stranger cannot use up
-- nonces. It knows nothing of actions and their parameters.

local clock = require "iotmsg.emulator.clock"
local nonce = require "iotmsg.emulator.nonce"
local percent = require "iotmsg.emulator.percent"
local signature = require "iotmsg.emulator.signature"

local TOLERANCE_S = 15 * 60
local SHOWN_MAX = 4096

local caller = {}
caller.__index = caller

local function refusal(status, code, message)
  return { status = status, code = code, message = message }
end

local function missing(name)
  return refusal(400, "Missing" .. name, name .. " is mandatory for this action.")
end

local INCOMPLETE = "The request signature does not conform to Aliyun standards"

---@param identity table { access_key_id, access_key_secret, security_token = nil }
---@return table
function caller.new(identity)
  return setmetatable({ identity = identity, nonces = nonce.new() }, caller)
end

local function check_key(self, access_key_id, token)
  local identity = self.identity
  if access_key_id ~= identity.access_key_id then
    return refusal(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
  end
  token = token ~= "" and token or nil
  if token == identity.security_token then
    return nil
  end
  if not token then
    return missing("SecurityToken")
  end
  return refusal(400, "InvalidSecurityToken.MismatchWithAccessKey",
    "Specified SecurityToken mismatch with the AccessKey.")
end

local function check_time(now_s, text)
  local sent = clock.parse_iso(text)
  if not sent then
    return refusal(400, "InvalidTimeStamp.Format",
      "Specified time stamp or date value is not well formatted.")
  end
  if math.abs(now_s - sent) > TOLERANCE_S then
    return refusal(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
  end
end

local function check_nonce(self, now_s, access_key_id, text)
  if not self.nonces:use(access_key_id .. "\n" .. text, now_s) then
    return refusal(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
  end
end

-- What was signed here helps whoever writes a client; a token in it must not travel back.
local function mismatch(what, text, token)
  if token and token ~= "" then
    local from, to = text:find(token, 1, true)
    while from do
      text = text:sub(1, from - 1) .. "***" .. text:sub(to + 1)
      from, to = text:find(token, from + 3, true)
    end
  end
  if #text > SHOWN_MAX then
    text = text:sub(1, SHOWN_MAX) .. "…"
  end
  return refusal(400, "SignatureDoesNotMatch",
    ("Specified signature is not matched with our calculation. server %s is:%s"):format(what, text))
end

local V1_REQUIRED =
  { "AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp" }

---@param method string
---@param params table<string, string> query and form together
---@param now_s number
---@return table|nil problem nil when the caller is accepted
function caller:check_v1(method, params, now_s)
  for _, name in ipairs(V1_REQUIRED) do
    if (params[name] or "") == "" then
      return missing(name)
    end
  end
  if params.SignatureMethod:upper() ~= "HMAC-SHA1" then
    return refusal(400, "InvalidSignatureMethod", "Specified signature method is not valid.")
  end
  if params.SignatureVersion ~= "1.0" then
    return refusal(400, "IncompleteSignature", INCOMPLETE .. ": SignatureVersion must be 1.0.")
  end
  local problem = check_key(self, params.AccessKeyId, params.SecurityToken)
    or check_time(now_s, params.Timestamp)
  if problem then
    return problem
  end
  local expected, string_to_sign = signature.v1(method, params, self.identity.access_key_secret)
  if not signature.equal(expected, params.Signature) then
    local token = params.SecurityToken and percent.encode(percent.encode(params.SecurityToken))
    return mismatch("string to sign", string_to_sign, token)
  end
  return check_nonce(self, now_s, params.AccessKeyId, params.SignatureNonce)
end

local V3_REQUIRED =
  { "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256" }

-- Everything that carries meaning must be signed, each name once and in order.
local function check_signed_headers(headers, names)
  local listed, before = {}, nil
  for _, name in ipairs(names) do
    if before and not percent.byte_order(before, name) then
      return refusal(400, "IncompleteSignature", INCOMPLETE .. ": SignedHeaders is not sorted.")
    end
    listed[name], before = true, name
  end
  for name in pairs(headers) do
    local must = name == "host" or name == "content-type" or name:sub(1, 6) == "x-acs-"
    if must and not listed[name] then
      return refusal(400, "IncompleteSignature", INCOMPLETE .. ": the header " .. name .. " is not signed.")
    end
  end
end

---@param request table { method, path, headers, body }
---@param query table<string, string>
---@param now_s number
---@return table|nil problem nil when the caller is accepted
function caller:check_v3(request, query, now_s)
  local headers = request.headers
  local parts = signature.parse_v3(headers.authorization)
  if not parts then
    return refusal(400, "IncompleteSignature", INCOMPLETE .. ": the Authorization header cannot be read.")
  end
  for _, name in ipairs(V3_REQUIRED) do
    if type(headers[name]) ~= "string" or headers[name] == "" then
      return missing(name)
    end
  end
  local token = headers["x-acs-security-token"]
  if type(token) == "table" then
    return refusal(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
  end
  local problem = check_key(self, parts.access_key_id, token) or check_time(now_s, headers["x-acs-date"])
    or check_signed_headers(headers, parts.signed_headers)
  if problem then
    return problem
  end
  local signed = {
    method = request.method, path = request.path, query = query, headers = headers, body = request.body,
  }
  local expected, string_to_sign, canonical_request =
    signature.v3(signed, parts.signed_headers, self.identity.access_key_secret)
  if not expected then
    return refusal(400, "IncompleteSignature", INCOMPLETE .. ": a signed header was not sent.")
  end
  if headers["x-acs-content-sha256"] ~= canonical_request:sub(-64) then
    return mismatch("hash of the body", canonical_request:sub(-64))
  end
  if not signature.equal(expected, parts.signature) then
    local shown = string_to_sign .. ", server canonical request is:" .. canonical_request
    return mismatch("string to sign", shown, token)
  end
  return check_nonce(self, now_s, parts.access_key_id, headers["x-acs-signature-nonce"])
end

return caller
