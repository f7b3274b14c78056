-- AsyncRRpc on the emulator: what reaches a real MQTT device, and what is refused for which device.

local client = require "spec.support.rpc_client"
local device = require "spec.support.device"
local start_emulator = require("spec.support.emulator").start

local function params(more)
  local all = {
    Action = "AsyncRRpc", ProductKey = "a1FakePk000", DeviceName = "device1",
    MessageContent = client.base64("hello"), TopicFullName = "/a1FakePk000/device1/user/get",
  }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

describe("AsyncRRpc on the emulator", function()
  local emulator

  setup(function()
    emulator = start_emulator({ args = { "--unknown-devices", "ghost,phantom" } })
  end)

  teardown(function()
    emulator:stop()
  end)

  local function subscribe(topic)
    return device.subscribe(emulator.mqtt_host, emulator.mqtt_port, topic)
  end

  local function code_of(more)
    local answer = client.v1(emulator, params(more))
    assert.equal("200", answer.status, answer.body)
    assert.is_false(answer.json.Success)
    assert.is_string(answer.json.ErrorMessage)
    assert.is_nil(answer.json.MessageId)
    return answer.json.Code
  end

  it("delivers to a device that is online, byte for byte", function()
    local listener = subscribe("/a1FakePk000/device1/user/get")
    for _, payload in ipairs({ "", "hello", "\0\255\r\n", ("\1\2\3"):rep(80000) }) do
      local answer = client.v1(emulator, params({ MessageContent = client.base64(payload) }))
      assert.is_true(answer.json.Success, answer.body)
      assert.equal(19, #answer.body:match("\"MessageId\":(%d+)}"))
      local message = listener:receive()
      assert.is_true(payload == message.payload)
      assert.equal("/a1FakePk000/device1/user/get", message.topic)
    end
    listener:stop()
  end)

  it("takes V3 with the content in the form and the rest in the query", function()
    local listener = subscribe("/a1FakePk000/device1/user/get")
    local query = params({ IotInstanceId = "iot-060a0000" })
    query.Action, query.MessageContent = nil, nil
    local headers = { headers = { ["x-acs-action"] = "AsyncRRpc" } }
    local answer = client.v3(emulator, query, { MessageContent = client.base64("v3") }, headers)
    assert.is_true(answer.json.Success, answer.body)
    assert.equal("v3", listener:receive().payload)
    query.DeviceName = nil
    answer = client.v3(emulator, query, { MessageContent = "", DeviceName = "device1" }, headers)
    assert.equal("InvalidParameter.DeviceName", answer.json.Code)
    listener:stop()
  end)

  it("answers XML too", function()
    local answer = client.v1(emulator, params({ Format = "XML", DeviceName = "" }))
    assert.truthy(answer.body:find("<AsyncRRpcResponse><RequestId>", 1, true))
    assert.truthy(answer.body:find("<Code>iot.device.NullDeviceName</Code>", 1, true))
  end)

  it("delivers to whoever subscribes by a wildcard", function()
    local listener = subscribe("/a1FakePk000/+/user/#")
    assert.is_true(client.v1(emulator, params({ TopicFullName = "/a1FakePk000/other/user/a/b" })).json.Success)
    assert.equal("hello", listener:receive().payload)
    listener:stop()
  end)

  for command = 128, 130 do
    it("delivers to a GB/T 32960 device, command type " .. command, function()
      local topic = ("/a1FakePk000/vehicle1/gbt32960/%d"):format(command)
      local listener = subscribe(topic)
      local ext_info = ("{\"commandType\": %d}"):format(command)
      local answer = client.v1(emulator, params({ DeviceName = "vehicle1", TopicFullName = "", ExtInfo = ext_info }))
      assert.is_true(answer.json.Success, answer.body)
      assert.equal(topic, listener:receive().topic)
      listener:stop()
    end)
  end

  it("tells a device that was never there from one that is offline", function()
    local never = { DeviceName = "device7", TopicFullName = "/a1FakePk000/device7/user/get" }
    assert.equal("iot.device.InactiveDevice", code_of(never))
    local listener = subscribe("/a1FakePk000/device7/user/other")
    assert.equal("iot.device.OfflineDevice", code_of(never))
    listener:stop()
    listener = subscribe("/a1FakePk000/device7/user/get")
    assert.is_true(client.v1(emulator, params(never)).json.Success)
    listener:stop()
    assert.equal("iot.device.OfflineDevice", code_of(never))
  end)

  it("knows a device the moment its subscription is acknowledged", function()
    for index = 1, 10 do
      local topic = ("/a1FakePk000/quick%d/user/get"):format(index)
      local listener = subscribe(topic)
      local more = { DeviceName = "quick" .. index, TopicFullName = topic }
      assert.is_true(client.v1(emulator, params(more)).json.Success)
      listener:stop()
    end
  end)

  it("does not know the devices it was told not to", function()
    for _, name in ipairs({ "ghost", "phantom" }) do
      assert.equal("iot.Device.NotExistedDevice", code_of({ DeviceName = name }))
    end
  end)

  local refusals = {
    ["iot.prod.NullProductKey"] = { ProductKey = "" },
    ["iot.prod.InvalidFormattedProductkey"] = { ProductKey = "a/b" },
    ["iot.device.NullDeviceName"] = { DeviceName = "" },
    ["iot.device.InvalidFormattedDeviceName"] = { DeviceName = "a+b" },
    ["iot.messagebroker.NullTopicName"] = { TopicFullName = "" },
    ["iot.messagebroker.InvalidFormattedTopicName"] = { TopicFullName = "/a1FakePk000/device1/user/#" },
    ["iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner"] = { TopicFullName = "/a1Other/device1/user/get" },
    ["iot.messagebroker.MessageContentIsNotBase64Encode"] = { MessageContent = "not base64!" },
  }
  for code, more in pairs(refusals) do
    it("answers 200 and " .. code, function()
      assert.equal(code, code_of(more))
    end)
  end

  it("wants a topic or a command type", function()
    assert.equal("iot.messagebroker.NullTopicName", code_of({ TopicFullName = "", ExtInfo = "{}" }))
  end)

  for _, ext_info in ipairs({ "128", "{", "{\"commandType\":131}", "{\"commandType\":\"128\"}", "[]" }) do
    it("refuses ExtInfo " .. ext_info, function()
      local answer = client.v1(emulator, params({ ExtInfo = ext_info }))
      assert.equal("400", answer.status)
      assert.equal("InvalidParameter.ExtInfo", answer.json.Code)
    end)
  end

  for _, name in ipairs({ "Qos", "ResponseTopic", "UserProp.1.Key" }) do
    it("does not know the parameter " .. name, function()
      assert.equal("InvalidParameter", client.v1(emulator, params({ [name] = "1" })).json.Code)
    end)
  end

  for _, name in ipairs({ "ProductKey", "DeviceName", "MessageContent" }) do
    it("misses " .. name, function()
      assert.equal("Missing" .. name, client.v1(emulator, params({ [name] = false })).json.Code)
    end)
  end
end)

describe("an emulator of one instance that answers 400", function()
  local emulator

  setup(function()
    emulator = start_emulator({ args = { "--iot-instance-id=iot-1", "--business-status", "400" } })
  end)

  teardown(function()
    emulator:stop()
  end)

  it("demands its IotInstanceId", function()
    for _, action in ipairs({ "Pub", "AsyncRRpc" }) do
      for _, given in ipairs({ "", "iot-2" }) do
        local more = params({ Action = action, IotInstanceId = given })
        local answer = client.v1(emulator, more)
        assert.equal("400", answer.status)
        assert.is_false(answer.json.Success)
        assert.equal("iot.Sre.IotInstanceNotFound", answer.json.Code)
        assert.is_nil(answer.json.Message)
      end
    end
    local answer = client.v1(emulator, params({ Action = "Pub", DeviceName = false, IotInstanceId = "iot-1" }))
    assert.is_true(answer.json.Success)
  end)
end)
