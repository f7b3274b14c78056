-- The vendor's documented codes, each with what it means for a caller, in any case.

local catalogue = require "iotmsg.catalogue.aliyun"

local VERDICTS = {
  refused = { "refused", "rejected", false }, auth = { "auth", "rejected", false }, device = { "device", "rejected",
    false },
  throttled = { "throttled", "rejected", true }, server = { "server", "unknown", true },
  nonce = { "auth", "rejected", true }, -- a new try has a new nonce
}

-- Verdict, the statuses that the code comes with, the codes.
local DOCUMENTED = {
  { "refused", { 400, 403 },
    [[MissingParameter MissingProductKey MissingTopicFullName MissingAction MissingSignatureNonce
    InvalidParameter InvalidParameter.Qos InvalidParameter.TopicFullName InvalidParameter.Format InvalidVersion
    NoSuchVersion
    UnsupportedOperation UnsupportedHTTPMethod InvalidProductKey]] },
  { "refused", { 404 },
    [[InvalidApi.NotFound InvalidProduct.NotFound InvalidAction.NotFound InvalidProtocol.NeedSsl]] },
  { "auth", { 400, 403, 404 }, [[InvalidAccessKeyId.NotFound InvalidAccessKeyId.Inactive IncompleteSignature
    InvalidSignatureMethod SignatureDoesNotMatch InvalidTimeStamp.Format InvalidTimeStamp.Expired IllegalTimestamp
    InvalidSecurityToken.Expired InvalidSecurityToken.Malformed InvalidSecurityToken.MismatchWithAccessKey Forbidden
    Forbidden.RAM NoPermission AccessDenied Forbidden.RiskControl Forbidden.UserVerification InsufficientBalance]] },
  { "nonce", { 400 }, "SignatureNonceUsed" },
  { "throttled", { 400, 429, 503 },
    "Throttling Throttling.User Throttling.Api Throttling.Other ServiceThrottling.Now" },
  { "server", { 500, 503 }, "InternalError ServiceUnavailable" },
  { "server", { 200, 400 },
    [[iot.system.SystemException iot.common.QueryDeviceActionError iot.common.QueryProductActionError
    iot.common.QueryProductCountActionError iot.common.QueryDevicePropertyActionError
    iot.messagebroker.PublishMessageException
    iot.messagebroker.PublishMessageFailed iot.messagebroker.RrpcException iot.messagebroker.RrpcFailed
    iot.messagebroker.QueryTopicTemplateException iot.messageborker.QueryTopicTemplateException]] },
  { "auth", { 200, 400 }, "iot.common.InvalidTenant iot.common.RamActionPermissionDeny" },
  { "refused", { 200, 400 }, [[iot.prod.NullProductKey iot.prod.InvalidFormattedProductkey iot.prod.NotExistedProduct
    iot.device.NullDeviceName iot.device.InvalidFormattedDeviceName iot.device.NotExistedDevice
    iot.Device.NotExistedDevice
    iot.device.InvalidIoTId iot.messagebroker.NullMessageContent iot.messagebroker.MessageContentIsNotBase64Encode
    iot.messagebroker.NullTopicName iot.messagebroker.InvalidFormattedTopicName iot.messagebroker.InvalidTimeoutValue
    iot.messagebroker.TopicTemplateIsNotFound iot.messageborker.TopicTemplateIsNotFound
    iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner]] },
  { "device", { 200, 400 }, [[iot.device.InactiveDevice iot.device.OfflineDevice iot.messagebroker.OFFLINE
    iot.messagebroker.HALFCONN iot.messagebroker.TIMEOUT]] },
  { "throttled", { 200, 400 }, "iot.messagebroker.RateLimit" },
}

-- The account or the content, the vendor's pages leave open which; a new try does not help.
local EITHER = [[iot.system.InstanceNotFound iot.Sre.IotInstanceNotFound iot.system.UidNotFound
    iot.system.IllegalRequest
  iot.system.InstanceIdSame Iot.system.BillIsOverDue]]

local function check(expected, code, status)
  local verdict = catalogue.verdict(code, status)
  assert.same(expected, { verdict.kind, verdict.outcome, verdict.retryable }, ("%s, %d"):format(tostring(code), status))
end

describe("the catalogue of Alibaba's codes", function()
  for _, group in ipairs(DOCUMENTED) do
    for code in group[3]:gmatch("%S+") do
      it(("knows %s as %s"):format(code, group[1]), function()
        for _, status in ipairs(group[2]) do
          check(VERDICTS[group[1]], code, status)
          check(VERDICTS[group[1]], code:lower(), status)
          check(VERDICTS[group[1]], code:upper(), status)
        end
      end)
    end
  end

  for code in EITHER:gmatch("%S+") do
    it("does not try again after " .. code, function()
      for _, spelling in ipairs { code, code:lower(), code:upper() } do
        local verdict = catalogue.verdict(spelling, 200)
        assert.is_true(verdict.kind == "auth" or verdict.kind == "refused", verdict.kind)
        assert.equal("rejected", verdict.outcome)
        assert.is_false(verdict.retryable)
      end
    end)
  end

  local BY_STATUS = {
    [200] = "refused", [400] = "refused", [404] = "refused", [409] = "refused", [413] = "refused", [401] = "auth",
      [403] = "auth",
    [429] = "throttled", [408] = "server", [500] = "server", [502] = "server", [503] = "server", [504] = "server",
  }
  for status, name in pairs(BY_STATUS) do
    it(("goes by status %d where no code is known"):format(status), function()
      check(VERDICTS[name], nil, status)
      check(VERDICTS[name], "", status)
      check(VERDICTS[name], "Some.NewCode", status)
      check(VERDICTS[name], "iot.device.SomethingNew", status)
    end)
  end

  it("takes no part of a code for the code", function()
    check(VERDICTS.refused, "xInternalError", 400)
    check(VERDICTS.refused, "iot.device.OfflineDevice2", 400)
    check(VERDICTS.server, "notmissing", 500)
  end)
end)
