-- SendMessage on the emulator: what reaches a real MQTT device, and every documented refusal.

local client = require "spec.support.rpc_client"
local device = require "spec.support.device"
local start_emulator = require("spec.support.emulator").start

local VERSION = "2020-04-20"

local function params(more)
  local all = {
    Action = "SendMessage", Version = VERSION, InstanceId = "post-cn-0pp12gl0000", MqttTopic = "TopicA",
    Payload = "test",
  }
  for name, value in pairs(more or {}) do
    all[name] = value
  end
  return all
end

describe("SendMessage on the emulator", function()
  local emulator, listener

  setup(function()
    emulator = start_emulator({ args = { "--instance-id", "post-cn-0pp12gl0000" } })
    listener = device.subscribe(emulator.mqtt_host, emulator.mqtt_port, "#")
  end)

  teardown(function()
    listener:stop()
    emulator:stop()
  end)

  local function deliver(more, options)
    local answer = client.v1(emulator, params(more), options)
    assert.equal("200", answer.status, answer.body)
    assert.truthy(answer.json.MsgId:find("^[0-9A-F]+$"))
    assert.equal(32, #answer.json.MsgId)
    assert.is_nil(answer.json.Success)
    return assert(listener:receive()), answer
  end

  for name, payload in pairs({
    text = "test", ["Base64, which stays Base64"] = "aGVsbG8=", ["UTF-8"] = "\228\189\160\229\165\189 \240\159\152\128",
    empty = "", ["line breaks and NUL"] = "a\r\n\tb\0c", ["64 KB"] = ("x"):rep(65536),
  }) do
    it("delivers " .. name .. " as it is", function()
      local message = deliver({ Payload = payload })
      assert.is_true(payload == message.payload)
      assert.equal("TopicA", message.topic)
      assert.is_false(message.retain)
    end)
  end

  for _, topic in ipairs({
    "a", ("T"):rep(64), "TopicA/sub", "TopicA/a/b c/d", "TopicA/p2p/GID_test@@@device1", "TopicA/p2pish/x",
  }) do
    it("delivers to " .. topic, function()
      assert.equal(topic, deliver({ MqttTopic = topic }).topic)
    end)
  end

  it("takes its parameters from query and form", function()
    assert.equal("test", deliver(nil, { in_query = true }).payload)
    local headers = { ["x-acs-action"] = "SendMessage", ["x-acs-version"] = VERSION }
    local query = { InstanceId = "post-cn-0pp12gl0000", MqttTopic = "TopicA", Payload = "in the query" }
    local answer = client.v3(emulator, query, nil, { headers = headers })
    assert.equal("200", answer.status, answer.body)
    assert.equal("in the query", listener:receive().payload)
    query.Payload = nil
    answer = client.v3(emulator, query, { Payload = "in the form" }, { headers = headers })
    assert.equal("200", answer.status, answer.body)
    assert.equal("in the form", listener:receive().payload)
  end)

  it("answers XML too", function()
    local _, answer = pcall(client.v1, emulator, params({ Format = "XML" }))
    assert.truthy(answer.body:find("<SendMessageResponse><RequestId>[%w-]+</RequestId><MsgId>%x+</MsgId></"))
    listener:receive()
  end)

  local function assert_refused(more, status, code, options)
    local answer = client.v1(emulator, params(more), options)
    assert.equal(status, answer.status, answer.body)
    assert.equal(code, answer.json.Code)
    assert.is_string(answer.json.Message)
    assert.is_string(answer.json.HostId)
    assert.is_string(answer.json.RequestId)
    assert.is_nil(answer.json.Success)
  end

  for _, topic in ipairs({
    "", "/a", "Topic A", "Topic.A", ("T"):rep(65), "TopicA/+", "TopicA/#", "\228\189\160", "TopicA/p2p",
    "TopicA/p2p/", "TopicA/p2p/device1", "TopicA/p2p/GID@@@", "TopicA/p2p/GID@@@d/x",
    "TopicA/p2p/GID_t@@@" .. ("d"):rep(64),
  }) do
    it("refuses the topic " .. topic, function()
      assert_refused({ MqttTopic = topic }, "400", "InvalidParameter.MqttTopic")
    end)
  end

  it("refuses what is not UTF-8 and what exceeds 64 KB", function()
    assert_refused({ Payload = "\255" }, "400", "InvalidParameter.Payload")
    assert_refused({ Payload = ("x"):rep(65537) }, "400", "InvalidParameter.Payload")
  end)

  it("refuses other instances", function()
    assert_refused({ InstanceId = "post-cn-other" }, "400", "InstancePermissionCheckFailed")
    assert_refused({ InstanceId = "a b" }, "400", "InvalidParameter.InstanceId")
    assert_refused({ InstanceId = "" }, "400", "InvalidParameter.InstanceId")
  end)

  it("refuses GET", function()
    assert_refused(nil, "400", "UnsupportedHTTPMethod", { method = "GET" })
  end)

  it("refuses what is missing, unknown or of another version", function()
    for _, name in ipairs({ "InstanceId", "MqttTopic", "Payload" }) do
      assert_refused({ [name] = false }, "400", "Missing" .. name)
    end
    assert_refused({ Qos = "1" }, "400", "InvalidParameter")
    assert_refused({ Version = "2018-01-20" }, "404", "InvalidApi.NotFound")
    assert_refused({ Action = "Pub" }, "404", "InvalidApi.NotFound")
  end)

  it("tolerates RegionId", function()
    deliver({ RegionId = "cn-hangzhou" })
  end)

  it("has delivered nothing of what it refused", function()
    assert.is_nil(listener:receive(0.1))
  end)
end)
