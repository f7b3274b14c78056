-- SendMessage's parameters: what each puts on the wire and where, and what each refuses.

local base64 = require("iotmsg").base64
local iotmsg = require "iotmsg"
local rpc_case = require "spec.support.rpc_case"
local send_message = require "iotmsg.operation.send_message"
local show = require "spec.support.show"
local values = require "spec.support.values"
local wire = require "spec.support.wire"

local HOST = "onsmqtt.cn-hangzhou.aliyuncs.com"
local case = rpc_case.new("send_message", HOST, { instance_id = "post-cn-fake0000", mqtt_topic = "topic1",
  payload = "hello world" })

local function assert_on_wire(more, query, form)
  local expected = { InstanceId = "post-cn-fake0000", MqttTopic = "topic1", Payload = "hello world" }
  for name, value in pairs(query) do expected[name] = value or nil end
  case:on_wire(case:params(more, true), expected, form or {})
end

local MAX = 64 * 1024
local QUERY_MAX = 8 * 1024
local nothing = values.NOTHING

local function topic(text)
  return { text, { MqttTopic = text } }
end

local PARAMETERS = {
  instance_id = {
    good = { { "i", { InstanceId = "i" } }, { ("i"):rep(128), { InstanceId = ("i"):rep(128) } } },
    bad = values.text(128),
  },
  mqtt_topic = {
    good = {
      topic "a", topic "A-z_0", topic(("t"):rep(64)), topic "parent/sub", topic "parent/sub/sub/",
      topic "parent/p2p/GID_x@@@device-1", topic "parent/é 你&=", topic(("t"):rep(64) .. "/" .. ("s"):rep(100)),
      topic("p/" .. ("s"):rep(65533)),
    },
    bad = values.text(65535, values.join(
      { { "p/+/b", "wildcards + and #" }, { "p/#", "wildcards + and #" }, { "p/a+", "wildcards + and #" } },
      { { ("t"):rep(65), "has a parent topic of 65 characters; the limit is 64" },
        { ("t"):rep(65) .. "/x", "the limit is 64" } },
      values.each("must begin with a parent topic of letters, digits, - and _", "/", "/parent", "a b", "a.b/c", "é",
        "a@@@b", "+", "#")
    )),
  },
  payload = {
    good = {
      { "", { Payload = "" } }, { "a", { Payload = "a" } }, { "é 你&=+%", { Payload = "é 你&=+%" } },
      { "a\r\n\0", { Payload = "a\r\n\0" } }, { "YQ==", { Payload = "YQ==" } },
      { { b = 1, a = { true, 1.5, "ü" } }, { Payload = '{"a":[true,1.5,"ü"],"b":1}' } }, { {}, { Payload = "{}" } },
    },
    bad = {
      { 1, "a string of bytes, or a table" }, { true, "a string of bytes" }, { false, "a string of bytes" },
      { nothing, "a string of bytes" }, { "\255", 'must be UTF-8 text; for other bytes pass encoding = "base64"' },
      { "a\237\160\128", "must be UTF-8 text" },
      { ("x"):rep(MAX + 1), ("is %d bytes long; the limit is %d"):format(MAX + 1, MAX) },
      { { ("x"):rep(MAX) }, "the limit is " .. MAX }, { { a = "\255" }, "UTF-8", "payload.a" },
      { { a = math.huge }, "not a number that JSON has", "payload.a" },
    },
  },
  encoding = {
    good = { { "base64", { Payload = "aGVsbG8gd29ybGQ=" } } },
    bad = values.join(
      values.each("must be a string", 1, true, {}, nothing), { { "", "must not be empty" } },
      values.each('must be "base64"', "Base64", "utf-8", "none", "base64\n", "\255")
    ),
  },
}

describe("send_message", function()
  it("is covered here with all its parameters", function()
    for _, rule in ipairs(send_message.rules.list) do assert.is_table(PARAMETERS[rule.name], rule.name) end
    assert.equal(4, #send_message.rules.list)
  end)

  it("puts everything in the address", function()
    assert_on_wire({}, {})
  end)

  it("names its action and version", function()
    local request = assert(case.clients.v3:prepare("send_message", case:params()))
    assert.equal("SendMessage", request.headers["x-acs-action"])
    assert.equal("2020-04-20", request.headers["x-acs-version"])
    assert.equal(HOST, request.headers.host)
    local _, common = wire.v1_query(assert(case.clients.v1:prepare("send_message", case:params())))
    assert.equal("SendMessage", common.Action)
    assert.equal("2020-04-20", common.Version)
  end)

  it("goes to the client's instance where it names one", function()
    local client = assert(iotmsg.new(wire.options { instance_id = "post-default" }))
    local own = { mqtt_topic = "t", payload = "" }
    assert.equal("post-default", wire.query(client:prepare("send_message", own)).InstanceId)
    own.instance_id = "post-own"
    assert.equal("post-own", wire.query(client:prepare("send_message", own)).InstanceId)
    own.instance_id = false
    case.refused({ clients = { v3 = client }, operation = "send_message" }, own, "instance_id", "is required")
  end)

  for name, parameter in pairs(PARAMETERS) do
    describe(name, function()
      for i, good in ipairs(parameter.good) do
        it(("puts good value %d on the wire: %s"):format(i, show(good[1])), function()
          assert_on_wire({ [name] = good[1] }, good[2])
        end)
      end

      for i, bad in ipairs(parameter.bad) do
        it(("refuses bad value %d: %s"):format(i, show(bad[1])), function()
          case:refused(case:params { [name] = bad[1] }, bad[3] or name, bad[2])
        end)
      end
    end)
  end

  for _, name in ipairs { "instance_id", "mqtt_topic", "payload" } do
    it("requires " .. name, function()
      local own = case:params()
      own[name] = nil
      case:refused(own, name, "is required")
    end)
  end

  -- Length on the wire, and whether the form carries it.
  local SIZES = {
    { "plain text", "x", 1 }, { "a character of three bytes", "你", 9 }, { "a blank", " ", 3 },
    { "a character of one byte that is escaped", "/", 3 }, { "unreserved signs", "-_.~", 4 },
  }
  for _, size in ipairs(SIZES) do
    it("travels in the form beyond 8 kB of encoded text: " .. size[1], function()
      local fits = size[2]:rep(math.floor(QUERY_MAX / size[3]))
      fits = fits .. ("x"):rep(QUERY_MAX - #wire.encode(fits))
      assert.equal(QUERY_MAX, #wire.encode(fits))
      assert_on_wire({ payload = fits }, { Payload = fits })
      assert_on_wire({ payload = fits .. "x" }, { Payload = false }, { Payload = fits .. "x" })
    end)
  end

  it("takes 64 KB, in bytes", function()
    for _, text in ipairs { ("x"):rep(MAX), ("你"):rep(21845) .. "x" } do
      assert.equal(MAX, #text)
      assert_on_wire({ payload = text }, { Payload = false }, { Payload = text })
    end
    case:refused(case:params { payload = ("你"):rep(21846) }, "payload", "is 65538 bytes long; the limit is 65536")
  end)

  it("sends any bytes as Base64 when asked to", function()
    local bytes = values.all_bytes()
    assert_on_wire({ payload = bytes, encoding = "base64" }, { Payload = base64.encode(bytes) })
    assert_on_wire({ payload = "", encoding = "base64" }, { Payload = "" })
    assert_on_wire({ payload = { a = 1 }, encoding = "base64" }, { Payload = base64.encode('{"a":1}') })
  end)

  it("counts Base64 as what it becomes", function()
    local fits = ("\255"):rep(MAX / 4 * 3)
    assert_on_wire({ payload = fits, encoding = "base64" }, { Payload = false }, { Payload = base64.encode(fits) })
    case:refused(case:params { payload = fits .. "\255", encoding = "base64" }, "payload",
      "is 65540 bytes long as Base64; the limit is 65536")
  end)

  it("has no parameter of its encoding on the wire", function()
    local request = assert(case.clients.v3:prepare("send_message", case:params { encoding = "base64" }))
    assert.is_nil(request.url:lower():find("encoding", 1, true))
    assert.equal("", request.body)
  end)

  for name, words in pairs { Payload = "payload", message = "payload", MessageContent = "payload",
    message_content = "payload", qos = "SendMessage", topic_full_name = "mqtt_topic" } do
    it("says what stands for " .. name, function()
      case:refused(case:params { [name] = "x" }, name, words)
    end)
  end

  for name, nearest in pairs { MqttTopic = "mqtt_topic", InstanceId = "instance_id", mqtttopic = "mqtt_topic" } do
    it(("suggests %s for %s"):format(nearest, name), function()
      case:refused(case:params { [name] = "x" }, name, "is not a known name", ('did you mean "%s"?'):format(nearest))
    end)
  end

  it("gives the same bytes for the same time and nonce", function()
    for _, client in pairs(case.clients) do
      for _, text in ipairs { "x", ("x"):rep(QUERY_MAX + 1) } do
        local own = case:params({ payload = text }, true)
        assert.same(client:prepare("send_message", own), client:prepare("send_message", own))
      end
    end
  end)

  it("reads MsgId", function()
    local function parse(body, status)
      return send_message.parse { status = status or 200, head = "HTTP/1.1 200 OK\r\n\r\n", body = body }
    end
    local res = assert(parse '{"RequestId":"R","MsgId":"0123456789ABCDEF0123456789ABCDEF"}')
    assert.equal("0123456789ABCDEF0123456789ABCDEF", res.message_id)
    assert.equal("R", res.request_id)
    assert.equal("01234567890123456789012345678901",
      assert(parse '{"RequestId":"R","MsgId":"01234567890123456789012345678901"}').message_id)
    assert.equal("12345678901234567890123456789012",
      assert(parse '{"RequestId":"R","MsgId":12345678901234567890123456789012}').message_id)
    local none, err = parse '{"RequestId":"R","MessageId":"x"}'
    assert.is_nil(none)
    assert.same({ "protocol", "unknown" }, { err.kind, err.outcome })
    assert.is_truthy(err.message:find("MsgId", 1, true))
  end)

  local CODES = {
    { "CheckAccountInfoFailed", 400, "auth", "rejected", false },
    { "InstancePermissionCheckFailed", 400, "auth", "rejected", false },
    { "PermissionCheckFailed", 400, "auth", "rejected", false },
    { "ParameterCheckFailed", 400, "refused", "rejected", false },
    { "InvalidParameter.MqttTopic", 400, "refused", "rejected", false },
    { "InternalError", 500, "server", "unknown", true }, { "SendMessageFailed", 500, "server", "unknown", true },
    { "SystemOverFlow", 500, "throttled", "rejected", true }, { "ApiNotSupport", 404, "refused", "rejected", false },
    { "ApplyTokenOverFlow", 400, "throttled", "rejected", true },
  }
  for _, code in ipairs(CODES) do
    it(("takes %s for %s"):format(code[1], code[3]), function()
      for _, spelling in ipairs { code[1], code[1]:lower() } do
        local res, err = send_message.parse { status = code[2], head = "HTTP/1.1 400 X\r\n\r\n",
          body = ('{"RequestId":"R","HostId":"h","Code":"%s","Message":"no"}'):format(spelling) }
        assert.is_nil(res)
        assert.same({ code[3], code[4], code[5], "no" }, { err.kind, err.outcome, err.retryable, err.message })
      end
    end)
  end
end)
