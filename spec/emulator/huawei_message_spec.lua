-- CreateMessage on the emulator: what reaches a real MQTT device, what waits for one, and what is refused.

local cqueues = require "cqueues"

local base64 = require("spec.support.rpc_client").base64
local device = require "spec.support.device"
local huawei = require "spec.support.huawei_client"
local start_emulator = require("spec.support.emulator").start

local UUID = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"
local TIME = "^%d%d%d%d%d%d%d%dT%d%d%d%d%d%dZ$"

describe("CreateMessage on the emulator", function()
  local emulator, listener

  setup(function()
    emulator = start_emulator()
    listener = device.subscribe(emulator.mqtt_host, emulator.mqtt_port, "$oc/devices/d1/#")
  end)

  teardown(function()
    listener:stop()
    emulator:stop()
  end)

  local function create(body, device_id)
    return huawei.create(emulator, device_id or "d1", body)
  end

  local function deliver(body)
    local answer = create(body)
    assert.equal("201", answer.status, answer.body)
    assert.equal("DELIVERED", answer.json.result.status)
    return assert(listener:receive()), answer
  end

  it("wraps a message for the device and says that it was delivered", function()
    local message, answer = deliver({ message = "HelloWorld" })
    local id = answer.json.message_id
    assert.truthy(id:find(UUID))
    assert.equal("$oc/devices/d1/sys/messages/down", message.topic)
    assert.equal(("{\"object_device_id\":\"d1\",\"id\":\"%s\",\"content\":\"HelloWorld\"}"):format(id),
      message.payload)
    assert.truthy(answer.json.result.created_time:find(TIME))
    assert.truthy(answer.json.result.finished_time:find(TIME))
  end)

  it("wraps an object exactly as it was written", function()
    local object = "{ \"n\": 12345678901234567890.10, \"z\":1,\"a\":[true,null],\"s\":\"\\u4f60\" }"
    local name = "\228\189\160_?'#().,&%@!-"
    local body = "{\"message_id\":\"o-1\",\"name\":\"%s\",\"message\":%s}"
    local message = deliver(body:format(name, object))
    local expected = "{\"object_device_id\":\"d1\",\"name\":\"%s\",\"id\":\"o-1\",\"content\":%s}"
    assert.equal(expected:format(name, object), message.payload)
  end)

  it("wraps a text without needless escapes", function()
    local message = deliver("{\"message_id\":\"o-2\",\"message\":\"\\u4f60\\/\\n\"}")
    assert.truthy(message.payload:find("\"content\":\"\228\189\160/\\n\"}", 1, true), message.payload)
  end)

  it("delivers the message itself when the format is raw", function()
    local text = "a\n\"b\" \228\189\160"
    assert.equal(text, deliver({ message = text, payload_format = "raw" }).payload)
    assert.equal("", deliver({ message = "", payload_format = "raw" }).payload)
    local object = "{\"payload_format\":\"raw\",\"message\":{\"a\": 1},\"encoding\":\"none\"}"
    assert.equal("{\"a\": 1}", deliver(object).payload)
    local long = ("x"):rep(256 * 1024)
    assert.is_true(long == deliver({ message = long, payload_format = "raw" }).payload)
  end)

  it("decodes Base64 when the encoding says so", function()
    local bytes = "\0\1\254\255 any \r\n bytes"
    assert.equal(bytes, deliver({ message = base64(bytes), encoding = "base64" }).payload)
    assert.equal("", deliver({ message = "", encoding = "base64" }).payload)
  end)

  it("delivers to topics of the product and to any other", function()
    assert.equal("$oc/devices/d1/user/a/b", deliver({ message = "x", topic = "a/b" }).topic)
    local other = device.subscribe(emulator.mqtt_host, emulator.mqtt_port, "/test/customTopic/#")
    assert.equal("DELIVERED", create({ message = "x", topic_full_name = "/test/customTopic/t" }).json.result.status)
    assert.equal("/test/customTopic/t", other:receive().topic)
    other:stop()
  end)

  it("passes MQTT 5 properties on", function()
    local message = deliver({ message = "x", properties = {
      correlation_data = "id_1-2", response_topic = "/a/b_?=$c",
      user_properties = { { prop_key = "k_1", prop_value = "v 1 \228\189\160?'#().,&%@!-" }, { prop_key = "k_1",
        prop_value = "" } },
    } })
    assert.equal("id_1-2", message.correlation_data)
    assert.equal("/a/b_?=$c", message.response_topic)
    assert.same({ { "k_1", "v 1 \228\189\160?'#().,&%@!-" }, { "k_1", "" } }, message.user_properties)
  end)

  it("takes every field at its limit, and null for what is optional", function()
    local properties = {}
    for index = 1, 20 do
      properties[index] = { prop_key = ("k"):rep(128), prop_value = ("v"):rep(126) .. index }
    end
    local message = deliver({
      message_id = ("m"):rep(128), name = ("\228\189\160"):rep(128), message = "x", encoding = "none",
      payload_format = "standard", topic = ("t"):rep(128), ttl = 1440,
      properties = {
        correlation_data = ("c"):rep(128), response_topic = ("r"):rep(128), user_properties = properties,
      },
    })
    assert.equal(20, #message.user_properties)
    deliver("{\"message\":\"x\",\"name\":null,\"ttl\":null,\"properties\":null,\"topic\":null}")
    deliver({ message = "x", name = "", ttl = 0 })
  end)

  it("takes a message id once per device", function()
    deliver({ message_id = "same", message = "x" })
    local again = create({ message_id = "same", message = "x" })
    assert.equal("400", again.status)
    assert.truthy(again.json.error_msg:lower():find("duplicate", 1, true))
    assert.truthy(again.json.error_msg:find("already exists", 1, true))
    assert.equal("PENDING", create({ message_id = "same", message = "x" }, "d2").json.result.status)
    assert.equal("400", create({ message_id = "same", message = "x" }, "d2").status)
  end)

  local refused = {
    ["no JSON"] = { "{", "IOTDA.000008" }, ["a list"] = { "[]", "IOTDA.000008" }, nothing = { "", "IOTDA.000008" },
    ["a field twice"] = { "{\"message\":\"a\",\"message\":\"b\"}", "IOTDA.000008" },
    ["bytes that are not UTF-8"] = { "{\"message\":\"\255\"}", "IOTDA.000008" },
    ["no message"] = "{}", ["a null message"] = "{\"message\":null}", ["a number"] = "{\"message\":1}",
    ["an array"] = "{\"message\":[]}", ["a boolean"] = "{\"message\":true}",
    ["an unknown field"] = "{\"message\":\"x\",\"qos\":1}",
    ["an unknown property"] = "{\"message\":\"x\",\"properties\":{\"content_type\":\"x\"}}",
    ["an unknown user property field"] = "{\"message\":\"x\",\"properties\":{\"user_properties\":[{\"key\":\"x\"}]}}",
    ["a message id with a dot"] = { { message = "x", message_id = "a.b" } },
    ["an empty message id"] = { { message = "x", message_id = "" } },
    ["a long message id"] = { { message = "x", message_id = ("m"):rep(129) } },
    ["a name with a slash"] = { { message = "x", name = "a/b" } },
    ["a name of other letters"] = { { message = "x", name = "\206\177" } },
    ["a long name"] = { { message = "x", name = ("n"):rep(129) } },
    ["a number for a name"] = { { message = "x", name = 1 } },
    ["another encoding"] = { { message = "x", encoding = "hex" } },
    ["another format"] = { { message = "x", payload_format = "json" } },
    ["what is not Base64"] = { { message = "a", encoding = "base64" } },
    ["an object as Base64"] = { { message = { a = 1 }, encoding = "base64" } },
    ["two topics"] = { { message = "x", topic = "a", topic_full_name = "b" } },
    ["a topic with a wildcard"] = { { message = "x", topic = "a/#" } },
    ["an empty topic"] = { { message = "x", topic_full_name = "" } },
    ["a long topic"] = { { message = "x", topic_full_name = ("t"):rep(129) } },
    ["a ttl of 4"] = { { message = "x", ttl = 4 } }, ["a ttl of 1445"] = { { message = "x", ttl = 1445 } },
    ["a negative ttl"] = { { message = "x", ttl = -5 } }, ["a ttl as text"] = { { message = "x", ttl = "5" } },
    ["a ttl with a fraction"] = "{\"message\":\"x\",\"ttl\":5.0}",
    ["256 KB and one byte"] = { { message = ("x"):rep(256 * 1024 + 1) } },
    ["correlation data in Base64"] = { { message = "x", properties = { correlation_data = "YQ==" } } },
    ["a response topic with a space"] = { { message = "x", properties = { response_topic = "a b" } } },
    ["a response topic with a wildcard"] = { { message = "x", properties = { response_topic = "a/#" } } },
    ["user properties as an object"] = { { message = "x", properties = { user_properties = { a = "b" } } } },
    ["a user property with a space in its key"] = { { message = "x", properties = { user_properties = {
      { prop_key = "a b", prop_value = "x" } } } } },
    ["a user property with a slash"] = { { message = "x", properties = { user_properties = {
      { prop_key = "a", prop_value = "a/b" } } } } },
  }
  for name, case in pairs(refused) do
    it("refuses " .. name, function()
      local body, code = case, "IOTDA.000006"
      if type(case) == "table" then
        body, code = case[1], case[2] or code
      end
      local answer = create(body)
      assert.equal("400", answer.status, answer.body)
      assert.equal(code, answer.json.error_code, answer.body)
    end)
  end

  it("refuses 21 user properties", function()
    local list = {}
    for index = 1, 21 do
      list[index] = { prop_key = "k", prop_value = "v" }
    end
    local answer = create({ message = "x", properties = { user_properties = list } })
    assert.equal("IOTDA.000006", answer.json.error_code)
    assert.truthy(answer.json.error_msg:find("20", 1, true))
  end)

  it("wants JSON announced as such", function()
    for _, given in ipairs({ "text/plain", false }) do
      local answer = huawei.create(emulator, "d1", { message = "x" }, { headers = { ["content-type"] = given } })
      assert.equal("400", answer.status, answer.body)
      assert.equal("IOTDA.000008", answer.json.error_code)
    end
    assert.equal("201", huawei.create(emulator, "d1", { message = "x" },
      { headers = { ["content-type"] = "application/json;charset=UTF-8" } }).status)
    listener:receive()
  end)

  it("has delivered nothing of what it refused", function()
    assert.is_nil(listener:receive(0.1))
  end)
end)

describe("a Huawei device that is offline", function()
  local emulator

  setup(function()
    emulator = start_emulator({ args = { "--ttl-minute", "0.2" } })
  end)

  teardown(function()
    emulator:stop()
  end)

  local function create(device_id, body)
    local answer = huawei.create(emulator, device_id, body)
    assert.equal("201", answer.status, answer.body)
    return answer.json
  end

  local function status_of(device_id, message_id)
    return huawei.show(emulator, device_id, message_id).json.status
  end

  local function subscribe(topic)
    return device.subscribe(emulator.mqtt_host, emulator.mqtt_port, topic)
  end

  local function wait_for(device_id, message_id, status)
    local deadline = cqueues.monotime() + 5
    repeat
      cqueues.sleep(0.01)
    until status_of(device_id, message_id) == status or cqueues.monotime() > deadline
    assert.equal(status, status_of(device_id, message_id))
  end

  it("gets its messages in order when it subscribes", function()
    for index = 1, 5 do
      local json = create("o1", { message = tostring(index), message_id = "m" .. index, payload_format = "raw" })
      assert.equal("PENDING", json.result.status)
      assert.is_nil(json.result.finished_time)
    end
    local stranger = subscribe("$oc/devices/o2/#")
    assert.equal("PENDING", status_of("o1", "m1"))
    local listener = subscribe("$oc/devices/o1/sys/messages/down")
    for index = 1, 5 do
      assert.equal(tostring(index), listener:receive().payload)
    end
    wait_for("o1", "m5", "DELIVERED")
    assert.truthy(huawei.show(emulator, "o1", "m1").json.finished_time:find(TIME))
    assert.is_nil(listener:receive(0.1))
    assert.is_nil(stranger:receive(0.05))
    listener:stop()
    stranger:stop()
    assert.equal("PENDING", create("o1", { message = "again" }).result.status)
  end)

  it("gets only what was sent to the topic it subscribes to", function()
    create("o3", { message = "down", message_id = "down" })
    create("o3", { message = "user", message_id = "user", topic = "t" })
    local listener = subscribe("$oc/devices/o3/user/+")
    assert.equal("$oc/devices/o3/user/t", listener:receive().topic)
    assert.equal("PENDING", status_of("o3", "down"))
    listener:stop()
  end)

  it("keeps the last twenty messages", function()
    for index = 1, 25 do
      create("o4", { message = tostring(index), message_id = "m" .. index, payload_format = "raw" })
    end
    local list = huawei.show(emulator, "o4").json
    assert.equal("o4", list.device_id)
    assert.equal(20, #list.messages)
    assert.equal("m25", list.messages[1].message_id)
    assert.equal("404", huawei.show(emulator, "o4", "m5").status)
    assert.equal("400", huawei.create(emulator, "o4", { message = "x", message_id = "m5" }).status)
    local listener = subscribe("$oc/devices/o4/#")
    for index = 6, 25 do
      assert.equal(tostring(index), listener:receive().payload)
    end
    assert.is_nil(listener:receive(0.1))
    listener:stop()
  end)

  it("loses what is too old, and what was not to be kept", function()
    assert.equal("FAILED", create("o5", { message = "x", message_id = "now", ttl = 0 }).result.status)
    create("o5", { message = "x", message_id = "soon", ttl = 5 })
    create("o5", { message = "x", message_id = "late", ttl = 1440 })
    assert.equal("FAILED", status_of("o5", "now"))
    wait_for("o5", "soon", "TIMEOUT")
    assert.equal("PENDING", status_of("o5", "late"))
    local listener = subscribe("$oc/devices/o5/#")
    assert.equal("late", listener:receive().payload:match("\"id\":\"(%w+)\""))
    assert.is_nil(listener:receive(0.1))
    listener:stop()
  end)

  it("shows a message as it was sent", function()
    create("o6", "{\"message\":{\"a\": 1},\"name\":\"n\",\"message_id\":\"m\"}")
    local answer = huawei.show(emulator, "o6", "m")
    assert.equal("200", answer.status)
    assert.truthy(answer.body:find("\"message\":{\"a\": 1}", 1, true))
    assert.equal("n", answer.json.name)
    assert.equal("none", answer.json.encoding)
    assert.equal("standard", answer.json.payload_format)
    assert.equal("$oc/devices/o6/sys/messages/down", answer.json.topic)
    assert.same({}, huawei.show(emulator, "nobody").json.messages)
    assert.equal("IOTDA.000029", huawei.show(emulator, "nobody", "m").json.error_code)
  end)

  it("loses nothing when it comes while messages are sent", function()
    local queue, listener = cqueues.new(), nil
    for index = 1, 15 do
      queue:wrap(function()
        local answer = assert(huawei.create(emulator, "o7", { message = "x", message_id = "m" .. index }))
        assert(answer.status == "201", answer.body)
      end)
    end
    queue:wrap(function()
      listener = subscribe("$oc/devices/o7/#")
    end)
    assert(queue:loop())
    local seen = {}
    for _ = 1, 15 do
      local id = assert(listener:receive()).payload:match("\"id\":\"(%w+)\"")
      assert.is_nil(seen[id])
      seen[id] = true
    end
    assert.is_nil(listener:receive(0.1))
    listener:stop()
  end)
end)

describe("an emulator with somebody else's broker", function()
  it("counts every device as online", function()
    local owner = start_emulator()
    local address = ("%s:%d"):format(owner.mqtt_host, owner.mqtt_port)
    local emulator = start_emulator({ args = { "--mqtt", address } })
    local answer = huawei.create(emulator, "d1", { message = "x" })
    assert.equal("DELIVERED", answer.json.result.status)
    emulator:stop()
    owner:stop()
  end)
end)
