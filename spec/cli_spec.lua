-- The command line as a shell meets it: the real program as a child, against the real emulator, real MQTT devices, the
-- fault server and the real curl.

local cjson = require "cjson"

local command = require "spec.support.command"
local device = require "spec.support.device"
local faults = require "spec.support.faults"
local process = require "spec.support.process"
local rules = require "spec.support.rules"
local show = require "spec.support.show"
local start_emulator = require("spec.support.emulator").start

local ABI = _VERSION:match("%d%.%d")
local PROGRAM = "build/" .. ABI .. "/bin/iotmsg"
local PRODUCT = "a1CliPk0000"
local TOKEN = "token-that-nobody-must-see"

local every_byte = {}
for byte = 0, 255 do every_byte[#every_byte + 1] = string.char(byte) end
local EVERY_BYTE = table.concat(every_byte)

local cloud, server, devices

setup(function()
  cloud = start_emulator { args = { "--quiet" } }
  server = faults.start()
  devices = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, "#")
end)

teardown(function()
  devices:stop()
  server:stop()
  cloud:stop()
end)

-- What a test that failed left behind fails no other.
after_each(function()
  rules.set(cloud)
  repeat
    local left = devices:receive(0)
  until not left
end)

-- The environment that points at the emulator; `false` takes a variable away.
local function environment(more)
  local env = {
    LUA_PATH = "lua/?.lua;lua/?/init.lua;;",
    LUA_CPATH = "build/" .. ABI .. "/?.so;;",
    IOTMSG_ENDPOINT = cloud.endpoint,
    IOTMSG_HUAWEI_ENDPOINT = cloud.huawei_endpoint,
    IOTMSG_CA_FILE = cloud.ca_file,
    ALIBABA_CLOUD_ACCESS_KEY_ID = cloud.access_key_id,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET = cloud.access_key_secret,
    HUAWEICLOUD_SDK_AK = cloud.access_key_id,
    HUAWEICLOUD_SDK_SK = cloud.access_key_secret,
    HUAWEICLOUD_SDK_PROJECT_ID = cloud.project_id,
  }
  for name, value in pairs(more or {}) do env[name] = value or nil end
  return env
end

---@param words string[] after `iotmsg`
---@param options { env: table?, input: string? }?
---@return spec.Run
local function iotmsg(words, options)
  options = options or {}
  local argv = { process.interpreter(), PROGRAM }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return command.run(argv, { env = environment(options.env), input = options.input, limit_s = 20 })
end

local function topic_of(name)
  return ("/%s/%s/user/get"):format(PRODUCT, name)
end

-- The words of a pub to a device, and what follows.
local function pub_words(name, ...)
  return { "pub", "--product-key", PRODUCT, "--topic-full-name", topic_of(name), ... }
end

local function pub(name, ...)
  return iotmsg(pub_words(name, ...))
end

-- The JSON object that a single call prints, on one line, with nothing on standard error.
local function accepted(run)
  assert.equal("", run.errors)
  assert.equal(0, run.status)
  assert.truthy(run.output:find("^{[^\n]*}\n$"), run.output)
  return cjson.decode(run.output)
end

-- A failure: its status, one line on standard error, nothing on standard output.
local function failed(run, status)
  assert.equal(status, run.status, run.errors)
  assert.equal("", run.output)
  assert.truthy(run.errors:find("^iotmsg[^\n]*: [^\n]+\n$"), run.errors)
  return run.errors
end

local function holds(text, words)
  assert.truthy(text:find(words, 1, true), ("%q is not in %q"):format(words, text))
end

local function lacks(text, words)
  assert.is_nil(text:find(words, 1, true), ("%q is in %q"):format(words, text))
end

local function received(topic)
  local message = assert(devices:receive(5))
  assert.equal(topic, message.topic)
  return message
end

describe("iotmsg pub", function()
  it("prints the result as one line of JSON", function()
    local found = accepted(pub("json", "--payload", "hello world", "--qos", "1"))
    assert.equal("hello world", received(topic_of "json").payload)
    assert.truthy(found.message_id:find("^%d+$"))
    assert.truthy(found.request_id:find("^%x+%-"))
    assert.equal(200, found.http_status)
    assert.equal(1, found.attempts)
    assert.is_nil(found.line)
  end)

  it("prints a message id beyond 2^53 to its last digit", function()
    rules.set(cloud, { match = { device = "exact" }, ["do"] = { reply = { status = 200,
      content_type = "application/json",
      body = '{"RequestId":"E4DF6FC6","Success":true,"MessageId":889455942124347329}' } } })
    local run = pub("exact", "--payload", "x")
    assert.equal('{"attempts":1,"http_status":200,"message_id":"889455942124347329","request_id":"E4DF6FC6"}\n',
      run.output)
  end)

  it("takes every parameter as a flag", function()
    accepted(pub("all", "--payload", "grüß dich", "--qos", "1", "--iot-instance-id", "iot-1", "--device-name", "d1",
      "--response-topic", topic_of "answers", "--correlation-data", "request-1", "--content-type", "text/plain",
      "--payload-format-indicator", "1", "--message-expiry-interval", "60", "--user-property", "b=1",
      "--user-property", "a=2", "--user-property", "b=", "--user-property", "c=x=y"))
    local message = received(topic_of "all")
    assert.equal("grüß dich", message.payload)
    assert.equal(1, message.qos)
    assert.equal(topic_of "answers", message.response_topic)
    assert.equal("request-1", message.correlation_data)
    assert.equal("text/plain", message.content_type)
    assert.equal(1, message.payload_format_indicator)
    assert.equal(60, message.message_expiry_interval)
    assert.same({ { "b", "1" }, { "a", "2" }, { "b", "" }, { "c", "x=y" } }, message.user_properties)
  end)

  it("takes options as flags", function()
    local env = { IOTMSG_ENDPOINT = false, IOTMSG_CA_FILE = false }
    for _, more in ipairs {
      { "--http-version", "2", "--signature", "v3", "--format", "xml" },
      { "--http-version", "1.1", "--signature", "v1", "--format", "json" },
      { "--timeout-ms", "9000", "--connect-timeout-ms", "4000", "--retry", "at_least_once", "--max-attempts", "2",
        "--max-qps", "5", "--max-connections", "1", "--max-pending", "1", "--max-pending-bytes", "100" },
      { "--max-qps", "false" },
      { "--max-qps", "0.5" },
    } do
      local words = pub_words("options", "--payload", "x", "--endpoint", cloud.endpoint, "--ca-file", cloud.ca_file)
      for _, word in ipairs(more) do words[#words + 1] = word end
      accepted(iotmsg(words, { env = env }))
      assert.equal("x", received(topic_of "options").payload)
    end
  end)

  it("takes a value after an equals sign, and words that look like flags as values", function()
    accepted(iotmsg { "pub", "--product-key=" .. PRODUCT, "--topic-full-name=" .. topic_of "equals", "--payload=a=b",
      "--qos=1", "--user-property=k=v=w", "--timeout-ms=5000" })
    local message = received(topic_of "equals")
    assert.equal("a=b", message.payload)
    assert.same({ { "k", "v=w" } }, message.user_properties)
    accepted(pub("equals", "--payload", "--qos"))
    assert.equal("--qos", received(topic_of "equals").payload)
    accepted(pub("equals", "--payload=two\nlines"))
    assert.equal("two\nlines", received(topic_of "equals").payload)
  end)

  it("takes an empty payload", function()
    accepted(pub("empty", "--payload", ""))
    assert.equal("", received(topic_of "empty").payload)
    accepted(pub("empty", "--payload="))
    assert.equal("", received(topic_of "empty").payload)
  end)

  it("keeps an integer that is text as text, and a number's own spelling", function()
    accepted(pub("text", "--payload", "007", "--content-type", "1"))
    local message = received(topic_of "text")
    assert.equal("007", message.payload)
    assert.equal("1", message.content_type)
  end)

  it("takes a boolean flag with and without a value", function()
    for _, more in ipairs { { "--retained" }, { "--retained", "true" }, { "--retained=true" } } do
      accepted(pub("retained", "--payload", "kept", more[1], more[2]))
      received(topic_of "retained")
      local late = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, topic_of "retained")
      local message = late:receive(5)
      late:stop()
      assert.truthy(message)
      assert.is_true(message.retain)
      accepted(pub("retained", "--retained", "--payload", "")) -- and the broker forgets it
      received(topic_of "retained")
    end
    for _, more in ipairs { { "--retained", "false" }, { "--retained=false" } } do
      accepted(pub("fleeting", "--payload", "gone", more[1], more[2]))
      assert.equal("gone", received(topic_of "fleeting").payload)
      local late = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, topic_of "fleeting")
      local message = late:receive(0.1)
      late:stop()
      assert.is_nil(message)
    end
  end)

  for _, input in ipairs { "", "hello\n", EVERY_BYTE, "\r\n\0\26", ("x"):rep(256 * 1024) } do
    it("reads a payload from standard input: " .. show(input), function()
      accepted(iotmsg(pub_words("stdin", "--payload", "-"), { input = input }))
      local message = received(topic_of "stdin")
      assert.equal(#input, #message.payload)
      assert.is_true(input == message.payload)
    end)
  end

  it("reads standard input for --payload=- too, and a dash within a text is a dash", function()
    accepted(iotmsg(pub_words("dash", "--payload=-"), { input = "from stdin" }))
    assert.equal("from stdin", received(topic_of "dash").payload)
    accepted(iotmsg(pub_words("dash", "--payload", "--"), { input = "from stdin" }))
    assert.equal("--", received(topic_of "dash").payload)
  end)
end)

describe("the other commands", function()
  it("async-rrpc sends", function()
    local run = iotmsg { "async-rrpc", "--product-key", PRODUCT, "--device-name", "rrpc", "--topic-full-name",
      topic_of "rrpc", "--payload", "reboot" }
    assert.truthy(accepted(run).message_id:find("^%d+$"))
    assert.equal("reboot", received(topic_of "rrpc").payload)
  end)

  it("send-message sends", function()
    local run = iotmsg { "send-message", "--instance-id", "post-cn-1", "--mqtt-topic", "parent/sub",
      "--payload", "你好" }
    assert.truthy(accepted(run).message_id:find("^%S+$"))
    assert.equal("你好", received("parent/sub").payload)
    accepted(iotmsg({ "send-message", "--instance-id", "post-cn-1", "--mqtt-topic", "parent/sub",
      "--encoding", "base64", "--payload", "-" }, { input = "\255\0" }))
    assert.equal("/wA=", received("parent/sub").payload)
  end)

  it("huawei-send sends, with the message id that was asked for", function()
    local topic = "$oc/devices/lamp1/user/cli"
    local lamp = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, topic)
    local run = iotmsg { "huawei-send", "--device-id", "lamp1", "--topic", "cli", "--payload", "HelloWorld",
      "--payload-format", "raw", "--message-id", "message-1", "--ttl", "5", "--user-property", "k=v" }
    local message = lamp:receive(5)
    lamp:stop()
    local found = accepted(run)
    assert.equal("message-1", found.message_id)
    assert.equal(201, found.http_status)
    assert.equal("string", type(found.result.status))
    assert.truthy(message, "the device received nothing")
    assert.equal("HelloWorld", message.payload)
  end)
end)

describe("exit status", function()
  it("1: the cloud answers no", function()
    local secret = "wrong-secret-0123456789"
    for _, words in ipairs {
      pub_words("wrong", "--payload", "x"),
      { "async-rrpc", "--product-key", PRODUCT, "--device-name", "d", "--topic-full-name", topic_of "d", "--payload",
        "x" },
      { "send-message", "--instance-id", "post-cn-1", "--mqtt-topic", "a", "--payload", "x" },
      { "huawei-send", "--device-id", "lamp1", "--payload", "x" },
    } do
      local env = { ALIBABA_CLOUD_ACCESS_KEY_SECRET = secret, HUAWEICLOUD_SDK_SK = secret }
      local line = failed(iotmsg(words, { env = env }), 1)
      holds(line, "(auth, rejected")
      lacks(line, secret)
    end
  end)

  it("1: in one line, whatever the cloud writes", function()
    rules.set(cloud, { match = { device = "lines" }, ["do"] = { error = { status = 400, code = "isv.\nx",
      message = "first\r\nsecond\27[31m" } } })
    local line = failed(pub("lines", "--payload", "x"), 1)
    holds(line, "first second")
    assert.is_nil(line:sub(1, -2):find("%c"))
  end)

  it("3: a server that takes the request and stays silent", function()
    local door = server:open { script = { { "silence" } } }
    local line = failed(pub("silent", "--payload", "x", "--endpoint", door.endpoint, "--timeout-ms", "300", "--retry",
      "off"), 3)
    holds(line, "(timeout, unknown")
    assert.equal(1, door:count().requests)
  end)

  it("3: a reply that nobody can read", function()
    rules.set(cloud, { match = { device = "html" }, ["do"] = { html = 200 } })
    local line = failed(pub("html", "--payload", "x"), 3)
    holds(line, "(protocol, unknown")
  end)

  it("4: connection refused", function()
    local run = pub("refused", "--payload", "x", "--retry", "off", "--endpoint", server:refusing_endpoint())
    holds(failed(run, 4), "(network, not_sent")
  end)

  it("4: a server that accepts and never shakes hands", function()
    local door = server:open { tls = true, script = { { "silent_accept" } } }
    local line = failed(pub("handshake", "--payload", "x", "--endpoint", door.endpoint, "--timeout-ms", "300",
      "--retry", "off"), 4)
    holds(line, "(timeout, not_sent")
  end)

  it("4: a certificate that nobody vouches for", function()
    local words = pub_words("tls", "--payload", "x")
    holds(failed(iotmsg(words, { env = { IOTMSG_CA_FILE = false } }), 4), "(tls, not_sent")
    accepted(iotmsg({ "pub", "--product-key", PRODUCT, "--topic-full-name", topic_of "tls", "--payload", "x",
      "--ca-file", cloud.ca_file }, { env = { IOTMSG_CA_FILE = false } }))
    received(topic_of "tls")
  end)

  it("4: no credentials, or half of them", function()
    local words = pub_words("keys", "--payload", "x")
    for _, env in ipairs {
      { ALIBABA_CLOUD_ACCESS_KEY_ID = false, ALIBABA_CLOUD_ACCESS_KEY_SECRET = false },
      { ALIBABA_CLOUD_ACCESS_KEY_SECRET = false },
      { ALIBABA_CLOUD_ACCESS_KEY_SECRET = "" },
    } do
      local line = failed(iotmsg(words, { env = env }), 4)
      holds(line, "(credentials, not_sent")
      holds(line, "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
    end
  end)

  describe("2, wrong use:", function()
    local payload = { "--payload", "x" }
    local cases = {
      { "an unknown flag, which has a near one", { "--product-kye", "x" }, "--product-key" },
      { "an unknown flag that has none", { "--zzzzzzzzzzzz", "x" }, "--zzzzzzzzzzzz" },
      { "a vendor's name", { "--message-content", "eA==" }, "--message-content" },
      { "an option that is a function", { "--on-event", "print" }, "--on-event" },
      { "a word that is no flag", { "hello" }, "hello" },
      { "a single hyphen", { "-q", "1" }, "-q" },
      { "a flag without its value", { "--qos" }, "--qos needs a value" },
      { "a property without its value", { "--user-property" }, "--user-property needs" },
      { "a property that is no pair", { "--user-property", "key" }, "--user-property needs KEY=VALUE" },
      { "a property without a key", { "--user-property", "=value" }, "--user-property needs KEY=VALUE" },
      { "text for an integer", { "--qos", "two" }, "qos" },
      { "an integer out of range", { "--qos", "2" }, "qos" },
      { "a fraction", { "--timeout-ms", "1.5" }, "timeout_ms" },
      { "no time at all", { "--timeout-ms", "0" }, "timeout_ms" },
      { "a number that is none", { "--timeout-ms", "nan" }, "timeout_ms" },
      { "a word for a boolean", { "--retained=maybe" }, "retained" },
      { "a word out of a set", { "--retry", "always" }, "retry" },
      { "a rate that is none", { "--max-qps", "none" }, "max_qps" },
      { "an endpoint with a path", { "--endpoint", "https://example.com/path" }, "endpoint" },
      { "an empty value", { "--device-name", "" }, "device_name" },
      { "a switch with a value", { "--dry-run=true" }, "--dry-run" },
      { "--reveal without --dry-run", { "--reveal" }, "--reveal" },
      { "--reveal with --batch", { "--reveal", "--batch" }, "--reveal" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local words = pub_words("use", payload[1], payload[2])
        for _, word in ipairs(case[2]) do words[#words + 1] = word end
        holds(failed(iotmsg(words), 2), case[3])
      end)
    end

    it("does not suggest what was written", function()
      lacks(pub("use", "--payload", "x", "--dry-run=true").errors, "did you mean --dry-run")
    end)

    it("a parameter that is missing", function()
      holds(failed(iotmsg { "pub", "--topic-full-name", topic_of "use", "--payload", "x" }, 2), "product_key")
      holds(failed(pub "use", 2), "payload")
      holds(failed(iotmsg { "huawei-send", "--payload", "x" }, 2), "device_id")
    end)

    it("a topic with a wildcard", function()
      local words = { "pub", "--product-key", PRODUCT, "--topic-full-name", "/a/+/user/get", "--payload", "x" }
      holds(failed(iotmsg(words), 2), "topic_full_name")
    end)

    it("no endpoint and no region", function()
      holds(failed(iotmsg(pub_words("use", "--payload", "x"), { env = { IOTMSG_ENDPOINT = false } }), 2),
        "IOTMSG_ENDPOINT")
    end)

    it("an environment that is wrong", function()
      holds(failed(iotmsg(pub_words("use", "--payload", "x"), { env = { IOTMSG_ENDPOINT = "ftp://x" } }), 2),
        "endpoint")
    end)

    it("no command, or one that is none, and then tells the usage", function()
      for _, words in ipairs { {}, { "plub" }, { "call" }, { "--payload", "x" }, { "" } } do
        local run = iotmsg(words)
        assert.equal(2, run.status)
        assert.equal("", run.output)
        assert.truthy(run.errors:find("^iotmsg: [^\n]+\nusage: iotmsg "), run.errors)
      end
    end)

    it("sends nothing", function()
      assert.is_nil(devices:receive(0.1))
    end)
  end)
end)

describe("a secret", function()
  local SECRET = "secret-on-a-command-line"
  local flags = {
    ["pub"] = { "--access-key-secret", "--security-token" },
    ["async-rrpc"] = { "--access-key-secret", "--security-token" },
    ["send-message"] = { "--access-key-secret", "--security-token" },
    ["huawei-send"] = { "--access-key-secret", "--security-token", "--auth-token", "--password" },
  }
  for name, list in pairs(flags) do
    for _, flag in ipairs(list) do
      it(("is refused as %s of %s, and not repeated"):format(flag, name), function()
        for _, words in ipairs { { name, flag, SECRET }, { name, flag .. "=" .. SECRET }, { name, flag } } do
          local line = failed(iotmsg(words), 2)
          holds(line, flag)
          holds(line, name == "huawei-send" and "HUAWEICLOUD_SDK_S" or "ALIBABA_CLOUD_")
          lacks(line, SECRET)
        end
      end)
    end
  end

  it("is asked for from the environment where a flag gives the rest of the pair", function()
    holds(failed(pub("key", "--payload", "x", "--access-key-id", "AK"), 2), "ALIBABA_CLOUD_ACCESS_KEY_")
    holds(failed(iotmsg { "huawei-send", "--device-id", "d", "--payload", "x", "--access-key-id", "AK" }, 2),
      "HUAWEICLOUD_SDK_")
  end)
end)

-- What each command needs, and the topic that then brings the payload.
local COMMANDS = {
  { words = { "pub", "--product-key", PRODUCT, "--topic-full-name", topic_of "dry" }, topic = topic_of "dry" },
  { words = { "async-rrpc", "--product-key", PRODUCT, "--device-name", "dry", "--topic-full-name", topic_of "dry" },
    topic = topic_of "dry" },
  { words = { "send-message", "--instance-id", "post-cn-1", "--mqtt-topic", "parent/dry" }, topic = "parent/dry" },
  { words = { "huawei-send", "--device-id", "lamp2", "--payload-format", "raw", "--topic", "dry" },
    topic = "$oc/devices/lamp2/user/dry" },
}

local function with(words, ...)
  local all = {}
  for _, word in ipairs(words) do all[#all + 1] = word end
  for _, word in ipairs { ... } do all[#all + 1] = word end
  return all
end

describe("--dry-run", function()
  local TEXT = [[it's "50 %" of $HOME, \n `date` 你好 @file]]
  local env = { ALIBABA_CLOUD_SECURITY_TOKEN = TOKEN, HUAWEICLOUD_SDK_SECURITY_TOKEN = TOKEN }

  for _, case in ipairs(COMMANDS) do
    local name = case.words[1]

    it("of " .. name .. " prints one curl command line without secrets", function()
      local run = iotmsg(with(case.words, "--payload", TEXT, "--dry-run"), { env = env })
      assert.equal("", run.errors)
      assert.equal(0, run.status)
      assert.truthy(run.output:find("^curl [^\n]+\n$"), run.output)
      lacks(run.output, cloud.access_key_secret)
      lacks(run.output, TOKEN)
      assert.is_nil(run.output:find("Signature=%x%x%x%x"), run.output)
      holds(run.output, "Signature=***")
    end)

    it("of " .. name .. " shows with --reveal what is signed, but never the key itself", function()
      local run = iotmsg(with(case.words, "--payload", TEXT, "--dry-run", "--reveal"), { env = env })
      assert.equal("", run.errors)
      assert.equal(0, run.status)
      holds(run.output, TOKEN)
      assert.truthy(run.output:find("Signature=%x+'"), run.output)
      lacks(run.output, cloud.access_key_secret)
    end)

    it("of " .. name .. " sends nothing; curl sends what --reveal shows", function()
      local listener = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, case.topic)
      local run = iotmsg(with(case.words, "--reveal", "--payload", "-", "--dry-run"), { input = TEXT })
      local before = listener:receive(0.1)
      local sent = command.run({ "sh", "-c", run.output }, { limit_s = 20 })
      local message = listener:receive(5)
      listener:stop()
      devices:receive(1)
      assert.is_nil(before)
      assert.equal(0, sent.status, sent.errors)
      assert.equal("table", type(cjson.decode(sent.output)))
      assert.truthy(message, sent.output)
      assert.equal(TEXT, message.payload)
    end)
  end

  it("shows every byte of a payload that is no text", function()
    local run = iotmsg(pub_words("bytes", "--payload", "-", "--dry-run", "--reveal"), { input = EVERY_BYTE })
    assert.is_nil(run.output:sub(1, -2):find("[%c\128-\255]"))
    assert.equal(0, command.run({ "sh", "-c", run.output }, { limit_s = 20 }).status)
    assert.is_true(EVERY_BYTE == received(topic_of "bytes").payload)
  end)

  it("masks the signature in a V1 URL", function()
    local words = pub_words("v1", "--payload", "x", "--signature", "v1", "--dry-run")
    local run = iotmsg(words)
    assert.equal(0, run.status, run.errors)
    holds(run.output, "Signature=***")
    words[#words + 1] = "--reveal"
    run = iotmsg(words)
    lacks(run.output, "***")
    assert.equal(0, command.run({ "sh", "-c", run.output }, { limit_s = 20 }).status)
    assert.equal("x", received(topic_of "v1").payload)
  end)

  it("tells curl how to reach the cloud", function()
    local run = iotmsg({ "pub", "--product-key", PRODUCT, "--topic-full-name", topic_of "d", "--payload", "x",
      "--region", "cn-shanghai", "--tls-verify=false", "--dry-run" })
    holds(run.output, " 'https://iot.cn-shanghai.aliyuncs.com/?")
    holds(run.output, "'--cacert' '" .. cloud.ca_file .. "'")
    holds(run.output, "'--insecure'")
  end)

  it("refuses what would be refused", function()
    failed(pub("d", "--dry-run"), 2)
    failed(iotmsg(pub_words("d", "--payload", "x", "--dry-run"), { env = { ALIBABA_CLOUD_ACCESS_KEY_ID = false,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET = false } }), 4)
  end)
end)

describe("--batch", function()
  -- Runs lines through a batch of pub; answers by line number, each line once.
  local function batch(lines, words, env)
    local input = type(lines) == "table" and table.concat(lines, "\n") .. "\n" or lines
    local run = iotmsg(words or { "pub", "--batch" }, { input = input, env = env })
    assert.equal("", run.errors)
    assert.truthy(run.output == "" or run.output:sub(-1) == "\n", "the last line is cut")
    local answers, count = {}, 0
    for text in run.output:gmatch("([^\n]*)\n") do
      local answer = cjson.decode(text)
      assert.is_nil(answers[answer.line])
      answers[answer.line], count = answer, count + 1
    end
    return run.status, answers, count, run.output
  end

  local function line_of(name, more)
    local fields = { product_key = PRODUCT, topic_full_name = topic_of(name), payload = "x" }
    for key, value in pairs(more or {}) do fields[key] = value end
    return cjson.encode(fields)
  end

  -- What the devices receive next, by topic.
  local function collect(count)
    local found = {}
    for _ = 1, count do
      local message = assert(devices:receive(5))
      assert.is_nil(found[message.topic])
      found[message.topic] = message.payload
    end
    return found
  end

  it("sends each line and answers with its number", function()
    local status, answers, count = batch { line_of("b1"), line_of("b2", { payload = "two", qos = 1 }),
      line_of("b3", { payload = { on = true } }) }
    assert.equal(0, status)
    assert.equal(3, count)
    assert.same({ [topic_of "b1"] = "x", [topic_of "b2"] = "two", [topic_of "b3"] = '{"on":true}' }, collect(3))
    local ids = {}
    for number = 1, 3 do
      assert.equal("string", type(answers[number].message_id))
      assert.is_nil(ids[answers[number].message_id])
      ids[answers[number].message_id] = true
      assert.equal(200, answers[number].http_status)
      assert.is_nil(answers[number].error)
    end
  end)

  it("takes what flags give for every line that does not say otherwise", function()
    local status = batch({ "{}", ('{"topic_full_name":"%s","payload":"own"}'):format(topic_of "own") },
      pub_words("flag", "--payload", "given", "--batch"))
    assert.equal(0, status)
    assert.same({ [topic_of "flag"] = "given", [topic_of "own"] = "own" }, collect(2))
  end)

  it("counts empty lines and answers none of them; CRLF and a last line without an end will do", function()
    local status, answers, count = batch("\n  \r\n" .. line_of("b1") .. "\r\n\n" .. line_of("b2"))
    assert.equal(0, status)
    assert.equal(2, count)
    assert.truthy(answers[3].message_id)
    assert.truthy(answers[5].message_id)
    collect(2)
  end)

  it("answers nothing to nothing", function()
    local status, _, count = batch("")
    assert.equal(0, status)
    assert.equal(0, count)
  end)

  it("goes on after lines that are wrong, and says what is wrong with each", function()
    local status, answers, count = batch {
      "not JSON", line_of("b1"), '"text"', "17", "{", line_of("b2", { qos = 2 }),
      line_of("b3", { payloda = "x" }), "{}", "[1]", line_of("b4", { on_event = "print" }), line_of("b5"),
    }
    assert.equal(2, status)
    assert.equal(11, count)
    assert.truthy(answers[2].message_id)
    assert.truthy(answers[11].message_id)
    collect(2)
    for _, number in ipairs { 1, 3, 4, 5, 6, 7, 8, 9, 10 } do
      local err = answers[number].error
      assert.equal("invalid_argument", err.kind)
      assert.equal("not_sent", err.outcome)
      assert.equal("string", type(err.message))
      assert.is_nil(answers[number].message_id)
    end
    assert.equal("qos", answers[6].error.field)
    assert.equal("payloda", answers[7].error.field)
    assert.equal("product_key", answers[8].error.field)
    assert.equal("on_event", answers[10].error.field)
  end)

  -- A line for each way to end.
  local ends = {
    accepted = function() return line_of("good") end,
    rejected = function()
      return line_of("bad", { access_key_id = cloud.access_key_id, access_key_secret = "a-wrong-secret" })
    end,
    unknown = function()
      local door = server:open { script = { { "silence" } } }
      return line_of("silent", { endpoint = door.endpoint, retry = "off", timeout_ms = 300 })
    end,
    not_sent = function()
      return line_of("refused", { endpoint = server:refusing_endpoint(), retry = "off" })
    end,
  }
  for _, case in ipairs {
    { 4, "accepted", "not_sent" },
    { 4, "not_sent", "accepted" },
    { 1, "accepted", "rejected", "not_sent" },
    { 1, "not_sent", "rejected", "accepted" },
    { 3, "unknown", "rejected", "not_sent", "accepted" },
    { 3, "accepted", "not_sent", "rejected", "unknown" },
  } do
    it("exits with the worst of " .. table.concat(case, ", ", 2), function()
      local lines = {}
      for i = 2, #case do lines[i - 1] = ends[case[i]]() end
      local status, answers, count, output = batch(lines)
      assert.equal(case[1], status)
      assert.equal(#lines, count)
      for i = 2, #case do
        local err = answers[i - 1].error
        assert.equal(case[i], err and err.outcome or "accepted")
        if err then
          assert.equal("string", type(err.kind))
        else
          assert.equal("x", received(topic_of "good").payload)
        end
      end
      lacks(output, "a-wrong-secret")
    end)
  end

  it("puts more lines through than it has under way at once", function()
    local lines = {}
    for number = 1, 600 do lines[number] = line_of("many" .. number, { payload = "number " .. number }) end
    local status, answers, count = batch(lines, { "pub", "--batch", "--max-qps", "false" })
    assert.equal(0, status)
    assert.equal(600, count)
    local found = collect(600)
    for number = 1, 600 do
      assert.truthy(answers[number].message_id)
      assert.equal("number " .. number, found[topic_of("many" .. number)])
    end
  end)

  it("waits where fewer calls may be pending", function()
    local lines = {}
    for number = 1, 20 do lines[number] = line_of("few" .. number) end
    local status, _, count = batch(lines, { "pub", "--batch", "--max-pending", "3" })
    collect(status == 0 and 20 or 0)
    assert.equal(0, status)
    assert.equal(20, count)
  end)

  it("retries a line that was refused for its rate", function()
    rules.set(cloud, { match = { device = "slow" }, times = 1, ["do"] = { throttle = true } })
    local status, answers = batch { line_of("slow"), line_of("quick") }
    assert.equal(0, status)
    assert.equal(2, answers[1].attempts)
    assert.equal(1, answers[2].attempts)
    collect(2)
  end)

  for _, payload in ipairs {
    '{"a":null}', '{"a":[]}', "[]", "{}", '{"id":889455942124347329}', '{"id":-123456789012345}',
    '{"n":[1,2],"t":21.5}',
  } do
    it("sends the payload " .. payload .. " as it is written, or refuses it", function()
      local line = line_of("json", { payload = "PAYLOAD" }):gsub('"PAYLOAD"', payload)
      local status, answers = batch { line }
      if status == 0 then
        assert.equal(payload, received(topic_of "json").payload)
      else
        assert.equal(2, status)
        assert.truthy(answers[1].error.field:find("^payload"))
      end
    end)
  end

  it("tells why a device did not take a message, and its id", function()
    rules.set(cloud, { match = { action = "CreateMessage" }, ["do"] = { reply = { status = 201,
      content_type = "application/json", body = '{"message_id":"m-1","result":{"status":"FAILED",'
      .. '"created_time":"20261121T080000Z","finished_time":"20261121T080001Z"}}' } } })
    local status, answers = batch({ '{"device_id":"lamp1","payload":"x","message_id":"m-1"}' },
      { "huawei-send", "--batch" })
    assert.equal(1, status)
    assert.equal("device", answers[1].error.kind)
    assert.equal("rejected", answers[1].error.outcome)
    assert.equal("m-1", answers[1].error.message_id)
    assert.equal("FAILED", answers[1].error.result.status)
  end)

  for _, case in ipairs {
    { "an error's code", 1, '{"RequestId":"r","Success":false,"Code":"\255","Message":"bad \255 text"}' },
    { "a result's request id", 0, '{"RequestId":"\255","Success":true,"MessageId":1}' },
  } do
    it("prints JSON even where " .. case[1] .. " is not UTF-8", function()
      local door = server:open { script = { { { "ok", body = case[3] } } } }
      local status, answers = batch({ line_of("utf8") }, { "pub", "--batch", "--endpoint", door.endpoint })
      assert.equal(case[2], status)
      assert.equal(case[2] == 1, answers[1].error ~= nil)
    end)
  end

  it("does not mix with a payload from standard input, nor with --dry-run", function()
    for _, more in ipairs { { "--payload", "-" }, { "--dry-run", "--payload", "x" } } do
      failed(iotmsg(pub_words("mix", "--batch", more[1], more[2], more[3]), { input = "{}\n" }), 2)
    end
    assert.is_nil(devices:receive(0.1))
  end)
end)

describe("iotmsg", function()
  it("tells its version", function()
    local run = iotmsg { "--version" }
    assert.equal("", run.errors)
    assert.equal(0, run.status)
    assert.equal("iotmsg " .. require("iotmsg.version") .. "\n", run.output)
  end)

  it("tells its usage: every command, and what the exit status means", function()
    for _, words in ipairs { { "--help" }, { "help" }, { "pub", "--help" }, { "huawei-send", "--help" } } do
      local run = iotmsg(words, { env = { IOTMSG_ENDPOINT = false, ALIBABA_CLOUD_ACCESS_KEY_ID = false } })
      assert.equal("", run.errors)
      assert.equal(0, run.status)
      for _, word in ipairs { "pub", "async-rrpc", "send-message", "huawei-send", "emulator", "--dry-run", "--reveal",
        "--batch", "--payload", "--user-property", "0 accepted", "1 rejected", "2 wrong use", "3 outcome unknown",
        "4 not sent" } do
        holds(run.output, word)
      end
      for line in run.output:gmatch("[^\n]+") do assert.is_true(#line <= 120, line) end
    end
  end)

  it("starts the emulator", function()
    local child = process.start { process.interpreter(), PROGRAM, "emulator", "--listen", "127.0.0.1:0", "--quiet" }
    local lines = {}
    repeat
      lines[#lines + 1] = child:read_line(15) or "nothing"
    until lines[#lines]:find("ready") or lines[#lines] == "nothing"
    assert.equal(0, child:stop())
    assert.equal("# iotmsg emulator is ready", lines[#lines])
    assert.truthy(table.concat(lines, "\n"):find("export IOTMSG_ENDPOINT='?https://127%.0%.0%.1:%d+"))
  end)

  it("tells the emulator's usage", function()
    local run = iotmsg { "emulator", "--help" }
    assert.equal("", run.errors)
    assert.equal(0, run.status)
    holds(run.output, "Usage: iotmsg emulator")
    holds(run.output, "--listen HOST:PORT")
    holds(run.output, "--mqtt HOST:PORT")
  end)

  it("refuses the emulator's wrong use", function()
    for _, words in ipairs { { "--lisent", "x" }, { "--listen" }, { "--listen", "nowhere" }, { "x" } } do
      failed(iotmsg(with({ "emulator" }, words[1], words[2])), 2)
    end
  end)
end)
