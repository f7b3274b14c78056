-- Every documented error code, provoked on the emulator and sent through the client: it must arrive as the kind,
-- outcome and retryable that it stands for, with the vendor's code, message and request id on it.

local emulator = require "spec.support.emulator"
local iotmsg = require "iotmsg"
local rules = require "spec.support.rules"

-- Kind, outcome, retryable; the status that the code comes with; the codes.
local GATEWAY = {
  { "refused", "rejected", false, 400, [[MissingParameter InvalidParameter.Qos InvalidVersion NoSuchVersion
    UnsupportedOperation UnsupportedHTTPMethod]] },
  { "refused", "rejected", false, 404, [[InvalidApi.NotFound InvalidProduct.NotFound InvalidAction.NotFound
    InvalidProtocol.NeedSsl]] },
  { "auth", "rejected", false, 404, "InvalidAccessKeyId.NotFound" },
  { "auth", "rejected", false, 400, [[InvalidAccessKeyId.Inactive IncompleteSignature InvalidSignatureMethod
    SignatureDoesNotMatch InvalidTimeStamp.Format InvalidTimeStamp.Expired IllegalTimestamp
    InvalidSecurityToken.Expired InvalidSecurityToken.Malformed InvalidSecurityToken.MismatchWithAccessKey]] },
  { "auth", "rejected", false, 403, [[Forbidden Forbidden.RAM NoPermission AccessDenied Forbidden.RiskControl
    Forbidden.UserVerification InsufficientBalance]] },
  { "auth", "rejected", true, 400, "SignatureNonceUsed" },
  { "throttled", "rejected", true, 400, "Throttling Throttling.User Throttling.Api" },
  { "server", "unknown", true, 500, "InternalError" },
  { "server", "unknown", true, 503, "ServiceUnavailable" },
}

local IOT = {
  { "server", "unknown", true, 200, [[iot.system.SystemException iot.common.QueryDeviceActionError
    iot.messagebroker.PublishMessageException iot.messagebroker.PublishMessageFailed]] },
  { "auth", "rejected", false, 200, "iot.common.InvalidTenant iot.common.RamActionPermissionDeny" },
  { "refused", "rejected", false, 200, [[iot.prod.NullProductKey iot.prod.InvalidFormattedProductkey
    iot.prod.NotExistedProduct iot.device.NullDeviceName iot.device.InvalidFormattedDeviceName
    iot.Device.NotExistedDevice iot.messagebroker.NullMessageContent
    iot.messagebroker.MessageContentIsNotBase64Encode iot.messagebroker.NullTopicName
    iot.messagebroker.InvalidFormattedTopicName iot.messagebroker.TopicTemplateIsNotFound
    iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner iot.Sre.IotInstanceNotFound]] },
  { "device", "rejected", false, 200, "iot.device.InactiveDevice iot.device.OfflineDevice" },
  { "throttled", "rejected", true, 200, "iot.messagebroker.RateLimit" },
}

local ONSMQTT = {
  { "auth", "rejected", false, 400, "CheckAccountInfoFailed InstancePermissionCheckFailed PermissionCheckFailed" },
  { "refused", "rejected", false, 400, "ParameterCheckFailed InvalidParameter.MqttTopic" },
  { "refused", "rejected", false, 404, "ApiNotSupport" },
  { "server", "unknown", true, 500, "InternalError SendMessageFailed" },
  { "throttled", "rejected", true, 500, "SystemOverFlow" },
}

local HUAWEI = {
  { "server", "unknown", true, 500, "IOTDA.000001" },
  { "auth", "rejected", false, 401, "IOTDA.000002 APIGW.0301 APIGW.0303" },
  { "auth", "rejected", false, 403, "IOTDA.000004 IOTDA.000021 APIGW.0302" },
  { "refused", "rejected", false, 400, "IOTDA.000006 IOTDA.000008 IOTDA.000009 APIGW.0104 APIGW.0201 IOTDA.014031" },
  { "refused", "rejected", false, 404, "IOTDA.000029 IOTDA.014000 APIGW.0101 APIGW.0103" },
  { "device", "rejected", false, 403, "IOTDA.014016" },
  { "device", "rejected", false, 400, "IOTDA.014028" },
  { "device", "rejected", false, 200, "IOTDA.014111" },
  { "throttled", "rejected", true, 403, "IOTDA.021101 IOTDA.021102" },
  { "throttled", "rejected", true, 429, "APIGW.0308" },
  { "server", "unknown", true, 502, "APIGW.0201" },
}

describe("a documented error", function()
  local cloud, aliyun, huawei

  setup(function()
    cloud = emulator.start { args = { "--quiet" } }
    local common = { ca_file = cloud.ca_file, access_key_id = cloud.access_key_id,
      access_key_secret = cloud.access_key_secret, retry = "off", max_qps = false }
    local function with(more)
      for name, value in pairs(common) do more[name] = value end
      return more
    end
    aliyun = assert(iotmsg.new(with { endpoint = cloud.endpoint }))
    huawei = assert(iotmsg.huawei.new(with { endpoint = cloud.huawei_endpoint, project_id = cloud.project_id }))
  end)

  teardown(function() cloud:stop() end)

  local CALLS = {
    pub = function()
      return aliyun:pub { product_key = "a1", topic_full_name = "/a1/d/user/get", payload = "x" }
    end,
    async_rrpc = function()
      return aliyun:async_rrpc { product_key = "a1", device_name = "d", topic_full_name = "/a1/d/user/get",
        payload = "x" }
    end,
    send_message = function()
      return aliyun:send_message { instance_id = "post-cn-fake0000", mqtt_topic = "parent/sub", payload = "x" }
    end,
    ["huawei.send"] = function()
      return huawei:send { device_id = "d", payload = "x" }
    end,
  }

  -- The answer to the letter, in the shape of the vendor's pages.
  local function answer(operation, status, code)
    local body
    if operation == "huawei.send" then
      body = ('{"error_code":"%s","error_msg":"said for a test"}'):format(code)
    elseif code:find("^[iI]ot%.") then
      body = ('{"RequestId":"R-1","Success":false,"Code":"%s","ErrorMessage":"said for a test"}'):format(code)
    else
      body = ('{"RequestId":"R-1","HostId":"h","Code":"%s","Message":"said for a test"}'):format(code)
    end
    return { times = 1, ["do"] = { reply = { status = status, content_type = "application/json", body = body } } }
  end

  local function check(operation, case, code)
    it(("of %s, %s with status %d, is %s"):format(operation, code, case[4], case[1]), function()
      rules.set(cloud, { answer(operation, case[4], code) })
      local res, err = CALLS[operation]()
      assert.is_nil(res)
      assert.same({ case[1], case[2], case[3], code, case[4], "said for a test" },
        { err.kind, err.outcome, err.retryable, err.code, err.http_status, err.message })
      if operation ~= "huawei.send" then assert.equal("R-1", err.request_id) end
    end)
  end

  local function check_all(operation, ...)
    for _, cases in ipairs { ... } do
      for _, case in ipairs(cases) do
        for code in case[5]:gmatch("%S+") do check(operation, case, code) end
      end
    end
  end

  check_all("pub", GATEWAY, IOT)
  check_all("async_rrpc", GATEWAY, IOT)
  check_all("send_message", GATEWAY, ONSMQTT)
  check_all("huawei.send", HUAWEI)

  it("of a gateway that answers with a web page is protocol, whatever the operation", function()
    for _, call in pairs(CALLS) do
      rules.set(cloud, { { times = 1, ["do"] = { html = 502 } } })
      local res, err = call()
      assert.is_nil(res)
      assert.same({ "protocol", "unknown", 502 }, { err.kind, err.outcome, err.http_status })
    end
  end)

  it("of a reply that is cut leaves the outcome unknown, whatever the operation", function()
    for _, call in pairs(CALLS) do
      for _, where in ipairs { "head", "body" } do
        rules.set(cloud, { { times = 1, ["do"] = { cut = where } } })
        local res, err = call()
        assert.is_nil(res)
        assert.equal("unknown", err.outcome)
      end
    end
  end)
end)
