-- An emulator that is told to misbehave: each deed as a client sees it, and which requests it befalls.

local cqueues = require "cqueues"

local client = require "spec.support.rpc_client"
local device = require "spec.support.device"
local huawei = require "spec.support.huawei_client"
local process = require "spec.support.process"
local rules = require "spec.support.rules"
local start_emulator = require("spec.support.emulator").start

local TOPIC = "/a1FakePk000/device1/user/get"

describe("an emulator that is told to misbehave", function()
  local emulator, listener

  setup(function()
    emulator = start_emulator()
    listener = device.subscribe(emulator.mqtt_host, emulator.mqtt_port, "/a1FakePk000/#")
  end)

  teardown(function()
    listener:stop()
    emulator:stop()
  end)

  after_each(function()
    rules.set(emulator)
    repeat
      local left = listener:receive(0.02)
    until not left
  end)

  local function pub(more, version)
    local params = { ProductKey = "a1FakePk000", TopicFullName = TOPIC, MessageContent = "aGVsbG8=", Qos = "1" }
    for name, value in pairs(more or {}) do
      params[name] = value
    end
    return client.v1(emulator, params, { version = version })
  end

  local function send_message()
    return pub({ Action = "SendMessage", Version = "2020-04-20", InstanceId = "i", MqttTopic = "a/p2p/G@@@d1",
      Payload = "x", ProductKey = false, TopicFullName = false, MessageContent = false, Qos = false })
  end

  local function create(device_id)
    return huawei.create(emulator, device_id or "d1", { message = "x" })
  end

  it("answers any gateway error", function()
    rules.set(emulator, { ["do"] = { error = { status = 503, code = "ServiceUnavailable", message = "later" } } })
    local answer = pub()
    assert.equal("503", answer.status)
    assert.equal("ServiceUnavailable", answer.json.Code)
    assert.equal("later", answer.json.Message)
    assert.is_nil(listener:receive(0.05))
    assert.truthy(pub({ Format = "XML" }).body:find("<Code>ServiceUnavailable</Code>", 1, true))
  end)

  it("answers any business error", function()
    for _, status in ipairs({ 200, 400 }) do
      rules.set(emulator, { ["do"] = { error = { status = status, code = "iot.messagebroker.RateLimit" } } })
      local answer = pub()
      assert.equal(tostring(status), answer.status)
      assert.is_false(answer.json.Success)
      assert.equal("iot.messagebroker.RateLimit", answer.json.Code)
      assert.is_string(answer.json.ErrorMessage)
    end
  end)

  it("answers any error of Huawei's", function()
    rules.set(emulator, { ["do"] = { error = { status = 200, code = "IOTDA.014111", message = "slow" } } })
    local answer = create()
    assert.equal("200", answer.status)
    assert.same({ error_code = "IOTDA.014111", error_msg = "slow" }, answer.json)
    assert.equal(200, huawei.token(emulator).json.error.code)
  end)

  it("throttles as each vendor does", function()
    rules.set(emulator, { ["do"] = { throttle = true } })
    local answer = pub()
    assert.equal("400 Throttling.User", answer.status .. " " .. answer.json.Code)
    answer = send_message()
    assert.equal("500 SystemOverFlow", answer.status .. " " .. answer.json.Code)
    answer = create()
    assert.equal("403 IOTDA.021101", answer.status .. " " .. answer.json.error_code)
    assert.equal("429", huawei.token(emulator).status)
  end)

  it("answers a page instead", function()
    rules.set(emulator, { ["do"] = { html = 502 } })
    local answer = pub()
    assert.equal("502", answer.status)
    assert.equal("text/html", answer.headers:get("content-type"))
    assert.truthy(answer.body:find("^<html>"))
  end)

  it("answers to the letter", function()
    local body = "{\"message_id\":\"m\",\"result\":{\"status\":\"FAILED\"}}"
    rules.set(emulator, { ["do"] = { reply = { status = 201, content_type = "text/plain", body = body } } })
    local answer = create()
    assert.equal("201", answer.status)
    assert.equal("text/plain", answer.headers:get("content-type"))
    assert.equal(body, answer.body)
  end)

  it("waits", function()
    rules.set(emulator, { ["do"] = { delay_ms = 200 } })
    local before = cqueues.monotime()
    assert.is_true(pub().json.Success)
    assert.is_true(cqueues.monotime() - before >= 0.2)
  end)

  it("has another time", function()
    rules.set(emulator, { ["do"] = { clock_offset_s = 3600 } })
    local answer = pub()
    assert.equal("InvalidTimeStamp.Expired", answer.json.Code)
    assert.equal(os.date("!%a, %d %b %Y %H:", os.time() + 3600), answer.headers:get("date"):sub(1, 20))
    assert.is_true(pub({ Timestamp = client.timestamp(3600) }).json.Success)
    assert.equal("APIGW.0301", create().json.error_code)
    assert.equal("InvalidTimeStamp.Expired", client.v3(emulator, { ProductKey = "p", TopicFullName = TOPIC },
      { MessageContent = "" }).json.Code)
  end)

  for _, version in ipairs({ 1.1, 2 }) do
    it("fills a reply up over HTTP/" .. version, function()
      rules.set(emulator, { ["do"] = { huge = 3000000 } })
      local answer = pub(nil, version)
      assert.equal(3000000, #answer.body)
      assert.is_true(answer.json.Success)
      assert.equal("hello", listener:receive().payload)
    end)
  end

  -- lua-http's client never notices a connection that ends within a reply; curl does.
  local function curl(version, path, words)
    return process.output_of(("curl -sS -i --max-time 5 %s --cacert %s %s %s 2>&1"):format(version,
      process.quote(emulator.ca_file), words or "-d x=1", process.quote(emulator.endpoint .. (path or ""))))
  end

  it("sends a reply twice", function()
    rules.set(emulator, { ["do"] = { double = true } })
    local answer = pub(nil, 2)
    local _, ids = answer.body:gsub("MessageId", "")
    assert.equal(2, ids)
    local host, port = emulator.endpoint:match("//(.*):(%d+)")
    local bytes = process.output_of(("printf 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' | "
      .. "timeout 1 openssl s_client -quiet -connect %s:%s 2>/dev/null"):format(host, port))
    local _, heads = bytes:gsub("HTTP/1.1 400", "")
    assert.equal(2, heads)
    rules.set(emulator)
    assert.is_true(pub().json.Success)
  end)

  local cuts = {
    { "before", "--http1.1", "curl: (52)" }, { "head", "--http1.1", "HTTP/1.1 400" },
    { "body", "--http1.1", "bytes remaining to read" }, { "before", "--http2", "curl: (" },
    { "head", "--http2", "curl: (" }, { "body", "--http2", "curl: (" },
  }
  for _, case in ipairs(cuts) do
    it(("cuts the connection (%s, %s)"):format(case[1], case[2]), function()
      rules.set(emulator, { ["do"] = { cut = case[1] } })
      local printed = curl(case[2])
      assert.truthy(printed:find(case[3], 1, true), printed)
      assert.is_nil(printed:find("</Error>", 1, true))
      assert.equal(case[1] == "body", printed:find("\r\n\r\n", 1, true) ~= nil, printed)
    end)
  end

  it("carries a request out that is cut in its reply, and only then", function()
    local token = huawei.token(emulator).headers:get("x-subject-token")
    local words = ("-H 'content-type: application/json' -H 'x-auth-token: %s' -d %s"):format(token,
      process.quote("{\"message\":\"x\",\"topic_full_name\":\"" .. TOPIC .. "\"}"))
    for cut, expected in pairs({ before = false, head = true, body = true }) do
      for _, version in ipairs({ "--http1.1", "--http2" }) do
        rules.set(emulator, { ["do"] = { cut = cut } })
        curl(version, huawei.path("d1"), words)
        assert.equal(expected, listener:receive(expected and 5 or 0.1) ~= nil, cut)
      end
    end
  end)

  it("does one thing after the other", function()
    rules.set(emulator, { ["do"] = { delay_ms = 100, error = { status = 500, code = "InternalError" }, huge = 5000 } })
    local before = cqueues.monotime()
    local answer = pub()
    assert.is_true(cqueues.monotime() - before >= 0.1)
    assert.equal("InternalError", answer.json.Code)
    assert.equal(5000, #answer.body)
  end)

  it("does it as often as it was told", function()
    rules.set(emulator, {
      { times = 2, ["do"] = { error = { code = "First" } } }, { times = 1, ["do"] = { error = { code = "Second" } } },
    })
    for _, code in ipairs({ "First", "First", "Second" }) do
      assert.equal(code, pub().json.Code)
    end
    assert.is_true(pub().json.Success)
    local list = rules.list(emulator)
    assert.equal(2, list[1].applied)
    assert.equal(1, list[2].applied)
    assert.equal("First", list[1].rule["do"].error.code)
  end)

  it("does it at a rate", function()
    rules.set(emulator, { rate = 0.5, ["do"] = { error = { code = "Half" } } })
    local refused = 0
    for _ = 1, 60 do
      refused = refused + (pub().json.Code == "Half" and 1 or 0)
    end
    assert.is_true(refused > 8 and refused < 52, refused)
    rules.set(emulator, { rate = 0, ["do"] = { error = { code = "Never" } } })
    assert.is_true(pub().json.Success)
  end)

  it("does it to an action or a device", function()
    local function deed(match)
      rules.set(emulator, { match = match, ["do"] = { error = { code = "Hit" } } })
    end
    deed({ action = "CreateMessage" })
    assert.is_true(pub().json.Success)
    assert.equal("Hit", create().json.error_code)
    deed({ device = "device1" })
    assert.equal("Hit", pub().json.Code)
    assert.equal("Hit", pub({ TopicFullName = "/sys/a1FakePk000/device1/thing/x" }).json.Code)
    assert.equal("Hit", pub({ DeviceName = "device1", TopicFullName = "x" }).json.Code)
    assert.is_true(pub({ TopicFullName = "/a1FakePk000/device2/user/get" }).json.Success)
    deed({ device = "d1" })
    assert.equal("Hit", send_message().json.Code)
    assert.equal("Hit", create("d1").json.error_code)
    assert.equal("201", create("d2").status)
    deed({ action = "Pub" })
    local answer = client.v3(emulator, { ProductKey = "a1FakePk000", TopicFullName = TOPIC }, { MessageContent = "" })
    assert.equal("Hit", answer.json.Code)
    deed({ action = "KeystoneCreateUserTokenByPassword" })
    assert.equal("400", huawei.token(emulator).status)
  end)

  for _, body in ipairs({
    "", "{", "1", "[1]", "{}", "{\"do\":1}", "{\"do\":{\"cut\":\"middle\"}}", "{\"do\":{\"html\":99}}",
    "{\"do\":{},\"rate\":2}", "{\"do\":{},\"times\":0}", "{\"do\":{},\"match\":{\"topic\":\"x\"}}",
    "{\"do\":{\"explode\":true}}", "{\"do\":{\"html\":500,\"throttle\":true}}", "{\"do\":{\"error\":{\"code\":1}}}",
  }) do
    it("does not take the rule " .. body, function()
      local answer = rules.try(emulator, body)
      assert.equal("400", answer.status)
      assert.is_string(answer.json.error)
      assert.same({}, rules.list(emulator))
    end)
  end

  it("takes rules only as JSON announced as such, by the methods it knows", function()
    local target = "/_emulator/rules"
    local answer = client.send(emulator, { method = "POST", target = target, body = "{\"do\":{}}",
      headers = { ["content-type"] = "text/plain" } })
    assert.equal("415", answer.status)
    assert.equal("405", client.send(emulator, { method = "PUT", target = target }).status)
  end)

  it("logs what rules did, and no internal error", function()
    rules.set(emulator, { ["do"] = { throttle = true } })
    pub()
    assert.truthy(emulator:log():find("Pub 400 Throttling.User (as a rule says)", 1, true))
    assert.is_nil(emulator:log():find("internal error", 1, true), emulator:log())
  end)
end)

describe("an emulator that listens everywhere", function()
  it("takes no rules", function()
    local emulator = start_emulator({ listen = "0.0.0.0:0" })
    local answer = rules.try(emulator, "{\"do\":{}}")
    assert.equal("404", answer.status)
    emulator:stop()
  end)
end)
