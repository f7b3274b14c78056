-- Alibaba's error codes: what each means for the caller. Codes are compared without case, because the vendor's own
-- pages disagree about it. Sources: Alibaba Cloud, "Common error codes", "Error codes" of IoT Platform, and the error
-- tables of Pub, AsyncRRpc and SendMessage. Pure.

local verdict = require "iotmsg.catalogue.verdict"

local M = {}

local AUTH, WHO, REFUSED, DEVICE = verdict.AUTH, verdict.WHO, verdict.REFUSED, verdict.DEVICE
local THROTTLED, SERVER = verdict.THROTTLED, verdict.SERVER
local NONCE = { kind = "auth", outcome = "rejected", retryable = true } -- a retry has a fresh nonce

local CODES = {}

local function add(meaning, codes)
  for code in codes:gmatch("%S+") do CODES[code:lower()] = meaning end
end

-- The gateway, for every product.
add(REFUSED, [[
  MissingParameter InvalidParameter InvalidVersion NoSuchVersion UnsupportedOperation UnsupportedHTTPMethod
  InvalidApi.NotFound InvalidProduct.NotFound InvalidAction.NotFound InvalidProtocol.NeedSsl ApiNotSupport ]])
add(WHO, [[
  InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive SignatureDoesNotMatch InvalidSecurityToken.Expired
  InvalidSecurityToken.Malformed InvalidSecurityToken.MismatchWithAccessKey ]])
add(AUTH, [[
  IncompleteSignature InvalidSignatureMethod InvalidTimeStamp.Format InvalidTimeStamp.Expired IllegalTimestamp
  Forbidden Forbidden.RAM NoPermission AccessDenied Forbidden.RiskControl Forbidden.UserVerification
  InsufficientBalance ]])
add(NONCE, "SignatureNonceUsed")
add(THROTTLED, "Throttling Throttling.User Throttling.Api")
add(SERVER, "InternalError ServiceUnavailable")

-- IoT Platform.
add(SERVER, [[
  iot.system.SystemException iot.common.QueryDeviceActionError iot.common.QueryProductActionError
  iot.common.QueryProductCountActionError iot.common.QueryDevicePropertyActionError
  iot.messagebroker.PublishMessageException iot.messagebroker.PublishMessageFailed iot.messagebroker.RrpcException
  iot.messagebroker.RrpcFailed iot.messagebroker.QueryTopicTemplateException
  iot.messageborker.QueryTopicTemplateException ]])
add(AUTH, [[
  iot.common.InvalidTenant iot.common.RamActionPermissionDeny iot.system.UidNotFound iot.system.BillIsOverDue ]])
add(REFUSED, [[
  iot.system.InstanceNotFound iot.Sre.IotInstanceNotFound iot.system.IllegalRequest iot.system.InstanceIdSame
  iot.prod.NullProductKey iot.prod.InvalidFormattedProductkey iot.prod.NotExistedProduct iot.device.NullDeviceName
  iot.device.InvalidFormattedDeviceName iot.device.NotExistedDevice iot.device.InvalidIoTId
  iot.messagebroker.NullMessageContent iot.messagebroker.MessageContentIsNotBase64Encode
  iot.messagebroker.NullTopicName iot.messagebroker.InvalidFormattedTopicName iot.messagebroker.InvalidTimeoutValue
  iot.messagebroker.TopicTemplateIsNotFound iot.messageborker.TopicTemplateIsNotFound
  iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner ]])
add(DEVICE, [[
  iot.device.InactiveDevice iot.device.OfflineDevice iot.messagebroker.OFFLINE iot.messagebroker.HALFCONN
  iot.messagebroker.TIMEOUT ]])
add(THROTTLED, "iot.messagebroker.RateLimit")

-- ApsaraMQ for MQTT; its throttling arrives with status 500.
add(AUTH, "CheckAccountInfoFailed InstancePermissionCheckFailed PermissionCheckFailed")
add(REFUSED, "ParameterCheckFailed")
add(SERVER, "SendMessageFailed")
add(THROTTLED, "SystemOverFlow ApplyTokenOverFlow")

-- Families whose members the vendor does not list one by one.
local PATTERNS = {
  { "throttling", THROTTLED }, -- the vendor's own SDKs look for this word anywhere in the code
  { "^missing", REFUSED },
  { "^invalidaccesskey", WHO },
  { "^invalidsecuritytoken", WHO },
  { "^invalidtimestamp", AUTH },
  { "^invalidsignature", AUTH },
  { "^invalid", REFUSED },
  { "^forbidden", AUTH },
  { "exception$", SERVER },
}

---@param code string? the vendor's code
---@param status integer
---@return table verdict kind, outcome, retryable
function M.verdict(code, status)
  if code then
    local lower = code:lower()
    if CODES[lower] then return CODES[lower] end
    for _, family in ipairs(PATTERNS) do
      if lower:find(family[1]) then return family[2] end
    end
  end
  return verdict.by_status(status)
end

return M
