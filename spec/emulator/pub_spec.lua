-- Pub on the emulator: what reaches a real MQTT device, and what the action refuses.

local client = require "spec.support.rpc_client"
local device = require "spec.support.device"
local start_emulator = require("spec.support.emulator").start

local TOPIC = "/a1FakePk000/device1/user/get"

local all_bytes = {}
for code = 0, 255 do
  all_bytes[#all_bytes + 1] = string.char(code)
end
all_bytes = table.concat(all_bytes)

local function pub_params(payload, more)
  local params = {
    ProductKey = "a1FakePk000", TopicFullName = TOPIC, MessageContent = client.base64(payload),
  }
  for name, value in pairs(more or {}) do
    params[name] = value or nil
  end
  return params
end

describe("Pub on the emulator", function()
  local emulator, listener

  setup(function()
    emulator = start_emulator()
    listener = device.subscribe(emulator.mqtt_host, emulator.mqtt_port, "#")
  end)

  teardown(function()
    listener:stop()
    emulator:stop()
  end)

  local function deliver(payload, more)
    local answer = client.v1(emulator, pub_params(payload, more))
    assert.equal("200", answer.status)
    assert.is_true(answer.json.Success, answer.body)
    return assert(listener:receive()), answer
  end

  for name, payload in pairs({
    text = "hello world", empty = "", ["all 256 byte values"] = all_bytes, ["one NUL"] = "\0",
    ["UTF-8"] = "\228\189\160\229\165\189", ["256 KB"] = all_bytes:rep(1024),
  }) do
    it("delivers " .. name .. " byte for byte", function()
      local message = deliver(payload)
      assert.equal(TOPIC, message.topic)
      assert.is_true(payload == message.payload)
      assert.equal(0, message.qos)
      assert.is_false(message.retain)
      assert.is_nil(message.user_properties)
    end)
  end

  it("delivers a V3 call, message in the form", function()
    local query = pub_params("v3", { MessageContent = false, Qos = "1" })
    local answer = client.v3(emulator, query, { MessageContent = client.base64("v3") })
    assert.is_true(answer.json.Success, answer.body)
    local message = listener:receive()
    assert.equal("v3", message.payload)
    assert.equal(1, message.qos)
  end)

  it("delivers a V3 GET of 256 KB in the query", function()
    local payload = ("x"):rep(256 * 1024)
    local answer = client.v3(emulator, pub_params(payload), nil, { method = "GET" })
    assert.equal("200", answer.status)
    assert.is_true(payload == listener:receive().payload)
  end)

  it("passes every MQTT 5 property on", function()
    local message = deliver("properties", {
      Qos = "1", ResponseTopic = "/a1FakePk000/device1/user/update", MessageExpiryInterval = "3600",
      CorrelationData = client.base64(all_bytes), ContentType = "application/json; charset=utf-8",
      PayloadFormatIndicator = "1", DeviceName = "device1", IotInstanceId = "iot-060a0000", TopicAlias = "3",
      ["UserProp.1.Key"] = "k:1", ["UserProp.1.Value"] = "a \"quoted\" \\ value",
      ["UserProp.2.Key"] = "k:1", ["UserProp.2.Value"] = "again",
      ["UserProp.10.Key"] = "last", ["UserProp.10.Value"] = "\228\189\160=&+%",
    })
    assert.equal(1, message.qos)
    assert.equal("/a1FakePk000/device1/user/update", message.response_topic)
    assert.is_true(all_bytes == message.correlation_data)
    assert.equal("application/json; charset=utf-8", message.content_type)
    assert.equal(1, message.payload_format_indicator)
    assert.equal(3600, message.message_expiry_interval)
    assert.same({
      { "k:1", "a \"quoted\" \\ value" }, { "k:1", "again" }, { "last", "\228\189\160=&+%" },
    }, message.user_properties)
  end)

  it("retains when told so", function()
    deliver("kept", { Retained = "true", TopicFullName = "/a1FakePk000/device9/user/kept" })
    local late = device.subscribe(emulator.mqtt_host, emulator.mqtt_port, "/a1FakePk000/device9/user/kept")
    local message = late:receive()
    late:stop()
    assert.equal("kept", message.payload)
    assert.is_true(message.retain)
  end)

  for _, topic in ipairs({
    "/sys/a1FakePk000/device1/thing/service/property/set", "/broadcast/a1FakePk000/news",
    "/a1FakePk000/device1/user/a/b/c",
  }) do
    it("accepts the topic " .. topic, function()
      assert.equal(topic, deliver("t", { TopicFullName = topic }).topic)
    end)
  end

  it("accepts a raw topic with a DeviceName", function()
    local message = deliver("t", { TopicFullName = "any/thing", DeviceName = "gateway device" })
    assert.equal("any/thing", message.topic)
  end)

  it("answers message ids of 19 digits, each once, as bare integers", function()
    local seen = {}
    for _ = 1, 50 do
      local _, answer = deliver("id")
      local id = answer.body:match("\"MessageId\":(%d+)}")
      assert.equal(19, #id)
      assert.is_nil(seen[id])
      seen[id] = true
    end
  end)

  it("counts an optional parameter sent empty as not sent", function()
    local message = deliver("empty", { ResponseTopic = "", Qos = "" })
    assert.is_nil(message.response_topic)
    assert.equal(0, message.qos)
  end)

  local refusals = {
    ["iot.messagebroker.MessageContentIsNotBase64Encode"] = { MessageContent = "not base64!" },
    ["iot.messagebroker.NullTopicName"] = { TopicFullName = "" },
    ["iot.messagebroker.InvalidFormattedTopicName"] = { TopicFullName = "/a1FakePk000/device1/user/+" },
    ["iot.messagebroker.NotMatchedProductKeyWithSrcTopicOwner"] = { ProductKey = "a1OtherPk" },
    ["iot.prod.NullProductKey"] = { ProductKey = "" },
    ["iot.prod.InvalidFormattedProductkey"] = { ProductKey = "a/b" },
    ["iot.device.InvalidFormattedDeviceName"] = { DeviceName = "a+b" },
  }
  for code, more in pairs(refusals) do
    it("answers 200 and " .. code, function()
      local answer = client.v1(emulator, pub_params("x", more))
      assert.equal("200", answer.status)
      assert.is_false(answer.json.Success)
      assert.equal(code, answer.json.Code)
      assert.is_string(answer.json.ErrorMessage)
      assert.is_nil(answer.json.MessageId)
    end)
  end

  for _, topic in ipairs({
    "a1FakePk000/device1/user/get", "/a1FakePk000/device1/user/", "/a1FakePk000/device1/get",
    "/a1FakePk000//user/x", "/a1FakePk000/device1/user/#", "/broadcast/a1FakePk000",
    "/sys/a1FakePk000/device1", "/", "/a1FakePk000/d/user" .. ("/x"):rep(300),
  }) do
    it("refuses the topic " .. topic:sub(1, 40), function()
      local answer = client.v1(emulator, pub_params("x", { TopicFullName = topic }))
      assert.equal("iot.messagebroker.InvalidFormattedTopicName", answer.json.Code)
    end)
  end

  it("refuses content in alphabets and paddings that are not strict Base64", function()
    for _, content in ipairs({ "YQ", "YQ=", "YR==", "Y===", "YQ==\n", "YW-_", "====", "YQ==YQ==" }) do
      local answer = client.v1(emulator, pub_params("x", { MessageContent = content }))
      assert.equal("iot.messagebroker.MessageContentIsNotBase64Encode", answer.json.Code)
    end
  end)

  local invalid = {
    ["InvalidParameter.Qos"] = { Qos = "2" },
    ["InvalidParameter.Retained"] = { Retained = "1" },
    ["InvalidParameter.PayloadFormatIndicator"] = { PayloadFormatIndicator = "1.0" },
    ["InvalidParameter.MessageExpiryInterval"] = { MessageExpiryInterval = "4294967296" },
    ["InvalidParameter.CorrelationData"] = { CorrelationData = "?" },
    ["InvalidParameter.ResponseTopic"] = { ResponseTopic = "a/#" },
    ["InvalidParameter.ContentType"] = { ContentType = "a\nb" },
    ["InvalidParameter.TopicFullName"] = { TopicFullName = "/a1FakePk000/device1/user/\255" },
    ["InvalidParameter.MessageContent"] = { MessageContent = client.base64(("x"):rep(256 * 1024 + 1)) },
    ["InvalidParameter.UserProp.1.Value"] = { ["UserProp.1.Key"] = "k", ["UserProp.1.Value"] = "\0" },
    ["MissingUserProp.1.Value"] = { ["UserProp.1.Key"] = "k" },
    ["MissingUserProp.2.Key"] = { ["UserProp.2.Value"] = "v" },
    ["InvalidParameter"] = { ["UserProp.0.Key"] = "k" },
  }
  for code, more in pairs(invalid) do
    it("answers 400 and " .. code, function()
      local answer = client.v1(emulator, pub_params("x", more))
      assert.equal("400", answer.status)
      assert.equal(code, answer.json.Code)
      assert.is_string(answer.json.HostId)
    end)
  end

  it("takes 20 user properties and refuses 21", function()
    local more = {}
    for index = 1, 20 do
      more[("UserProp.%d.Key"):format(index)] = "k" .. index
      more[("UserProp.%d.Value"):format(index)] = "v" .. index
    end
    local message = deliver("twenty", more)
    assert.equal(20, #message.user_properties)
    assert.same({ "k20", "v20" }, message.user_properties[20])
    more["UserProp.21.Key"], more["UserProp.21.Value"] = "k21", "v21"
    assert.equal("InvalidParameter.UserProp", client.v1(emulator, pub_params("x", more)).json.Code)
  end)

  it("has delivered nothing of what it refused", function()
    deliver("after all")
    assert.is_nil(listener:receive(0.1))
  end)
end)
