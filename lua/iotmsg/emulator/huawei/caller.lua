-- Decides whether a caller of a Huawei API is who it claims to be: by X-Auth-Token, or by AK/SK signature of
-- the algorithm that the host demands. It knows nothing of the API that is called.

local clock = require "iotmsg.emulator.clock"
local equal = require("iotmsg.emulator.signature").equal
local percent = require "iotmsg.emulator.percent"
local signature = require "iotmsg.emulator.huawei.signature"

local TOLERANCE_S = 15 * 60
local SERVICE = "iotdm"

local caller = {}
caller.__index = caller

---@param options table { access_key_id, access_key_secret, security_token, derived, region, tokens }; `derived`:
---  the host is an instance of its own and demands V11-HMAC-SHA256, else it demands SDK-HMAC-SHA256
---@return table
function caller.new(options)
  return setmetatable(options, caller)
end

local function refusal(status, code, message)
  return { status = status, code = code, message = message }
end

local function unauthenticated(reason)
  return refusal(401, "IOTDA.000002", "Authentication failed. " .. reason)
end

local function check_token(self, text, project_id, now_s)
  local scope, problem = self.tokens:find(text, now_s)
  if problem == "expired" then
    return unauthenticated("The token must be updated.")
  elseif not scope then
    return unauthenticated("The token is not known.")
  elseif project_id and not (scope.project_id or scope.project_name) then
    return refusal(403, "IOTDA.000004", "Invalid access token. It is not for a project.")
  elseif project_id and scope.project_id and scope.project_id ~= project_id then
    return refusal(403, "IOTDA.000004", "Invalid access token. It is for another project.")
  end
end

-- Only X-Sdk-Date is indispensable: the vendor's SDKs differ in what else they sign.
local function check_signed_headers(names)
  local date_signed, before = false, nil
  for _, name in ipairs(names) do
    if before and not percent.byte_order(before, name) then
      return unauthenticated("SignedHeaders is not sorted.")
    end
    date_signed, before = date_signed or name == "x-sdk-date", name
  end
  return not date_signed and unauthenticated("X-Sdk-Date is not signed.") or nil
end

local function check_time(headers, now_s)
  local date = headers["x-sdk-date"]
  local sent = type(date) == "string" and clock.parse_compact(date)
  if not sent then
    return unauthenticated("X-Sdk-Date is missing or not like 20240229T235959Z.")
  elseif math.abs(now_s - sent) > TOLERANCE_S then
    return refusal(401, "APIGW.0301", "Incorrect IAM authentication information: x-sdk-date is expired or in the "
      .. "future; the clocks differ by more than 15 minutes")
  end
end

-- An instance of its own fails the standard algorithm; a shared host checks a derived signature and then finds
-- that its caller has subscribed to nothing here.
local function check_algorithm(self, parts, date)
  if self.derived and parts.algorithm ~= signature.DERIVED then
    return unauthenticated("This instance wants " .. signature.DERIVED .. ".")
  end
  if parts.algorithm == signature.DERIVED
    and (parts.date ~= date:sub(1, 8) or parts.region ~= self.region or parts.service ~= SERVICE) then
    return unauthenticated(("The credential scope is not %s/%s/%s."):format(date:sub(1, 8), self.region, SERVICE))
  end
end

---@param request table { method, path, headers, body, query = raw text }
---@param query table<string, string>
---@param now_s number
---@param project_id string|nil the project whose resources are asked for
---@return table|nil problem { status, code, message }; nil when the caller is accepted
function caller:check(request, query, now_s, project_id)
  local headers = request.headers
  local token, authorization = headers["x-auth-token"], headers.authorization
  if type(token) == "string" and token ~= "" then
    return check_token(self, token, project_id, now_s)
  end
  local parts = type(authorization) == "string" and signature.parse(authorization)
  if not parts then
    return unauthenticated("There is neither an X-Auth-Token nor an Authorization that can be read.")
  end
  local problem = check_time(headers, now_s) or check_signed_headers(parts.signed_headers)
    or check_algorithm(self, parts, headers["x-sdk-date"])
  if problem then
    return problem
  end
  if parts.access_key_id ~= self.access_key_id then
    return unauthenticated("The access key is not known.")
  end
  local security_token = headers["x-security-token"]
  if (security_token ~= "" and security_token or nil) ~= self.security_token then
    return unauthenticated("X-Security-Token does not belong to the access key.")
  end
  local signed = {
    method = request.method, path = request.path, query = query, headers = headers, body = request.body,
  }
  local expected = signature.compute(signed, parts, self.access_key_secret)
  if not expected then
    return unauthenticated("A signed header was not sent, or sent twice.")
  elseif not equal(expected, parts.signature) then
    return unauthenticated("Verify aksk signature fail.")
  elseif parts.algorithm == signature.DERIVED and not self.derived then
    return refusal(403, "IOTDA.000021", "The caller has not subscribed to this service on this host.")
  end
end

return caller
