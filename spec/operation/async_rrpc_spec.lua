-- AsyncRRpc's six parameters: what each puts on the wire and where, and what each refuses.

local async_rrpc = require "iotmsg.operation.async_rrpc"
local base64 = require("iotmsg").base64
local iotmsg = require "iotmsg"
local rpc_case = require "spec.support.rpc_case"
local show = require "spec.support.show"
local values = require "spec.support.values"
local wire = require "spec.support.wire"

local case = rpc_case.new("async_rrpc", "iot.cn-shanghai.aliyuncs.com", { product_key = "a1Q5XoY",
  device_name = "device1", topic_full_name = "/a1Q5XoY/device1/user/get", payload = "hello world" })

local function assert_on_wire(more, query, form)
  local expected = { ProductKey = "a1Q5XoY", DeviceName = "device1", TopicFullName = "/a1Q5XoY/device1/user/get" }
  for name, value in pairs(query) do expected[name] = value end
  case:on_wire(case:params(more, true), expected, form or { MessageContent = "aGVsbG8gd29ybGQ=" })
end

local function content(bytes)
  return { MessageContent = base64.encode(bytes) }
end

local ALL_BYTES = values.all_bytes()
local PAYLOAD_MAX = 256 * 1024
local nothing = values.NOTHING

-- good: { value, query parameters, form }; bad: { value, words, field where it is another one }
local PARAMETERS = {
  product_key = {
    good = { { "x", { ProductKey = "x" } }, { ("k"):rep(64), { ProductKey = ("k"):rep(64) } } },
    bad = values.text(64),
  },
  device_name = {
    good = { { "device:1@x", { DeviceName = "device:1@x" } }, { ("d"):rep(128), { DeviceName = ("d"):rep(128) } } },
    bad = values.text(128),
  },
  payload = {
    good = {
      { "", {}, { MessageContent = "" } }, { "a", {}, { MessageContent = "YQ==" } },
      { ALL_BYTES, {}, content(ALL_BYTES) }, { "YQ==", {}, content("YQ==") },
      { { b = 1, a = { true, 1.5, "ü" } }, {}, content('{"a":[true,1.5,"ü"],"b":1}') }, { {}, {}, content("{}") },
      { ("x"):rep(PAYLOAD_MAX), {}, content(("x"):rep(PAYLOAD_MAX)) },
    },
    bad = {
      { 1, "a string of bytes, or a table" }, { true, "a string of bytes" }, { false, "a string of bytes" },
      { nothing, "a string of bytes" },
      { ("x"):rep(PAYLOAD_MAX + 1), ("is %d bytes long; the limit is %d"):format(PAYLOAD_MAX + 1, PAYLOAD_MAX) },
      { { a = { 1, 0 / 0 } }, "not a number that JSON has", "payload.a[2]" },
      { { a = "\255" }, "UTF-8", "payload.a" }, { { 1, nil, 3 }, "holes" }, { { 1, a = 2 }, "mixes" },
    },
  },
  topic_full_name = {
    good = {
      { "raw", { TopicFullName = "raw" } }, { "/a/b=&%25 é你~*'()!", { TopicFullName = "/a/b=&%25 é你~*'()!" } },
      { "/" .. ("t"):rep(65534), { TopicFullName = "/" .. ("t"):rep(65534) } },
    },
    bad = values.text(65535, values.WILDCARDS),
  },
  ext_info = {
    good = {
      { { commandType = 128 }, { ExtInfo = '{"commandType":128}' } },
      { { commandType = 130.0, b = { 1, "ü" } }, { ExtInfo = '{"b":[1,"ü"],"commandType":130}' } },
      { {}, { ExtInfo = "{}" } },
      -- Text is sent as it was written.
      { '{"commandType": 129}', { ExtInfo = '{"commandType": 129}' } },
      { ' {"b":2,"a":889455942124347329}\n', { ExtInfo = ' {"b":2,"a":889455942124347329}\n' } },
      { '{"a":"é&=+你"}', { ExtInfo = '{"a":"é&=+你"}' } },
    },
    bad = {
      { 128, "a table, or a JSON string" }, { true, "a table, or a JSON string" },
      { false, "a table, or a JSON string" }, { nothing, "a table, or a JSON string" }, { "", "JSON" },
      { "commandType=128", "JSON" }, { '{"commandType":128', "JSON" }, { "128", "JSON" }, { '"x"', "JSON" },
      { '{"a":"x\0y"}', "JSON" }, { { a = nothing }, "function", "ext_info.a" },
      { { a = 0 / 0 }, "not a number that JSON has", "ext_info.a" }, { { a = "\255" }, "UTF-8", "ext_info.a" },
      { { 1, a = 2 }, "mixes" }, { '{"a":"\255"}', "UTF-8" }, { "[1,2]", "JSON object" }, { { 1, 2 }, "JSON object" },
    },
  },
  iot_instance_id = {
    good = { { "iot-cn-fake0000", { IotInstanceId = "iot-cn-fake0000" } } }, bad = values.text(128),
  },
}

describe("async_rrpc", function()
  it("is covered here with all its parameters", function()
    for _, rule in ipairs(async_rrpc.rules.list) do assert.is_table(PARAMETERS[rule.name], rule.name) end
    assert.equal(6, #async_rrpc.rules.list)
  end)

  it("puts the content in the body and all else in the address", function()
    assert_on_wire({}, {})
    assert_on_wire({ iot_instance_id = "i", ext_info = { commandType = 128 } },
      { IotInstanceId = "i", ExtInfo = '{"commandType":128}' })
  end)

  it("names its action and version", function()
    local request = assert(case.clients.v3:prepare("async_rrpc", case:params()))
    assert.equal("AsyncRRpc", request.headers["x-acs-action"])
    assert.equal("2018-01-20", request.headers["x-acs-version"])
    local _, common = wire.v1_query(assert(case.clients.v1:prepare("async_rrpc", case:params())))
    assert.equal("AsyncRRpc", common.Action)
    assert.equal("2018-01-20", common.Version)
  end)

  it("goes to the client's instance where it names one", function()
    local client = assert(iotmsg.new(wire.options { iot_instance_id = "iot-default" }))
    assert.equal("iot-default", wire.query(client:prepare("async_rrpc", case:params())).IotInstanceId)
    assert.equal("iot-own",
      wire.query(client:prepare("async_rrpc", case:params { iot_instance_id = "iot-own" })).IotInstanceId)
    assert.is_nil(wire.query(client:prepare("async_rrpc", case:params { iot_instance_id = false })).IotInstanceId)
  end)

  for name, parameter in pairs(PARAMETERS) do
    describe(name, function()
      for i, good in ipairs(parameter.good) do
        it(("puts good value %d on the wire: %s"):format(i, show(good[1])), function()
          assert_on_wire({ [name] = good[1] }, good[2], good[3])
        end)
      end

      for i, bad in ipairs(parameter.bad) do
        it(("refuses bad value %d: %s"):format(i, show(bad[1])), function()
          case:refused(case:params { [name] = bad[1] }, bad[3] or name, bad[2])
        end)
      end
    end)
  end

  for _, name in ipairs { "product_key", "device_name", "payload" } do
    it("requires " .. name, function()
      local own = case:params()
      own[name] = nil
      case:refused(own, name, "is required")
    end)
  end

  it("wants a topic, or ext_info for devices that have none", function()
    local own = case:params()
    own.topic_full_name = nil
    case:refused(own, "topic_full_name", "required for MQTT devices", "ext_info")
    own.ext_info = { commandType = 128 }
    case:on_wire(own, { ProductKey = "a1Q5XoY", DeviceName = "device1", ExtInfo = '{"commandType":128}' },
      { MessageContent = "aGVsbG8gd29ybGQ=" })
  end)

  for _, name in ipairs { "MessageContent", "message_content", "Payload", "message" } do
    it("says what stands for " .. name, function()
      case:refused(case:params { [name] = "x" }, name, "payload", "Base64")
    end)
  end

  for name, nearest in pairs { ExtInfo = "ext_info", DeviceName = "device_name", devicename = "device_name",
    TopicFullName = "topic_full_name", ProductKey = "product_key", timeout = "timeout_ms" } do
    it(("suggests %s for %s"):format(nearest, name), function()
      case:refused(case:params { [name] = "x" }, name, "is not a known name", ('did you mean "%s"?'):format(nearest))
    end)
  end

  for _, name in ipairs { "qos", "user_properties", "response_topic", "retained" } do
    it("has no " .. name, function()
      case:refused(case:params { [name] = 1 }, name, "is not a known name")
    end)
  end

  it("gives the same bytes for the same time and nonce", function()
    for _, client in pairs(case.clients) do
      local own = case:params({ ext_info = { b = 1, a = 2, c = 3 } }, true)
      assert.same(client:prepare("async_rrpc", own), client:prepare("async_rrpc", own))
    end
  end)

  it("reads its message id whatever the way it is written", function()
    for _, body in ipairs { '{"RequestId":"R","Success":true,"MessageId":889455942124347329}',
      '{"RequestId":"R","Success":true,"MessageId":"889455942124347329"}',
      "<AsyncRRpcResponse><RequestId>R</RequestId><MessageId>889455942124347329</MessageId></AsyncRRpcResponse>" } do
      local res = assert(async_rrpc.parse { status = 200, head = "HTTP/1.1 200 OK\r\n\r\n", body = body })
      assert.equal("889455942124347329", res.message_id)
      assert.equal("R", res.request_id)
    end
  end)

  for code, kind in pairs { ["iot.device.OfflineDevice"] = "device", ["iot.device.InactiveDevice"] = "device",
    ["iot.Device.NotExistedDevice"] = "refused", ["iot.prod.NullProductKey"] = "refused" } do
    it(("takes %s for %s"):format(code, kind), function()
      for _, status in ipairs { 200, 400 } do
        local res, err = async_rrpc.parse { status = status, head = "HTTP/1.1 400 X\r\n\r\n",
          body = ('{"RequestId":"R","Success":false,"Code":"%s","ErrorMessage":"no"}'):format(code) }
        assert.is_nil(res)
        assert.same({ kind, "rejected", false, code }, { err.kind, err.outcome, err.retryable, err.code })
      end
    end)
  end
end)
