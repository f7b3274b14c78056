-- Pub's fourteen parameters: what each puts on the wire and where, and what each refuses.

local base64 = require("iotmsg").base64
local iotmsg = require "iotmsg"
local pub = require "iotmsg.operation.pub"
local refused = require "spec.support.refusal"
local show = require "spec.support.show"
local wire = require "spec.support.wire"

local CLIENTS = {
  v3 = assert(iotmsg.new(wire.options())),
  v1 = assert(iotmsg.new(wire.options { signature = "v1" })),
}

local function params(more)
  local values = { product_key = "a1Q5XoY", topic_full_name = "/a1Q5XoY/device1/user/get", payload = "hello world",
    timestamp = 1709251199, nonce = "n" }
  for name, value in pairs(more or {}) do values[name] = value end
  return values
end

local function query_of(request, signature)
  if signature == "v1" then return (wire.v1_query(request)) end
  return (wire.query(request))
end

-- Asserts where the parameters stand: in the address, in the body, and in what is signed.
local function assert_on_wire(more, query, form)
  local expected_query = { ProductKey = "a1Q5XoY", TopicFullName = "/a1Q5XoY/device1/user/get" }
  for name, value in pairs(query) do expected_query[name] = value end
  local expected_form = { MessageContent = "aGVsbG8gd29ybGQ=" }
  for name, value in pairs(form or {}) do expected_form[name] = value end
  for signature, client in pairs(CLIENTS) do
    local request, err = client:prepare("pub", params(more))
    assert.is_nil(err, tostring(err))
    assert.same(expected_query, query_of(request, signature))
    assert.same(expected_form, (wire.fields(request.body)))
    local signed = signature == "v1" and request.string_to_sign or request.canonical_request
    for name, value in pairs(expected_query) do
      local pair = wire.encode(name) .. "=" .. wire.encode(value)
      if signature == "v1" then pair = wire.encode(pair) end
      assert.is_truthy(signed:find(pair, 1, true), pair)
    end
    if signature == "v1" then
      local pair = "MessageContent=" .. wire.encode(expected_form.MessageContent)
      assert.is_truthy(signed:find(wire.encode(pair), 1, true))
    end
  end
end

local function nothing() end

local NOT_TEXT = { { 1, 'must be a string, not a number: write "1"' }, { true,
  "must be a string, not the boolean true" },
  { {}, "must be a string, not a table" }, { nothing, "must be a string, not a function" },
  { "", "must not be empty" }, { "a\rb", "must not contain CR, LF or NUL" }, { "a\nb",
    "must not contain CR, LF or NUL" },
  { "a\0b", "must not contain CR, LF or NUL" }, { "\255", "must be valid UTF-8" }, { "\237\160\128",
    "must be valid UTF-8" } }
local NOT_INTEGER = { { "1", "must be an integer, not a string: write 1" }, { "one", "must be an integer" },
  { true, "must be an integer, not the boolean true" }, { {}, "must be an integer, not a table" },
  { nothing, "must be an integer, not a function" }, { 0.5, "must be an integer, not 0.5" },
  { 0 / 0, "must be an integer" }, { math.huge, "must be an integer" }, { -math.huge, "must be an integer" } }

local function text(max, more)
  local list = { { ("x"):rep(max + 1), ("is %d bytes long; the limit is %d"):format(max + 1, max) } }
  for _, source in ipairs { NOT_TEXT, more or {} } do
    for _, case in ipairs(source) do list[#list + 1] = case end
  end
  return list
end

local function integer(...)
  local list = {}
  for _, source in ipairs { NOT_INTEGER, { ... } } do
    for _, case in ipairs(source) do list[#list + 1] = case end
  end
  return list
end

local WILDCARDS = { { "/a/+/b", "wildcards + and #" }, { "/a/#", "wildcards + and #" }, { "+", "wildcards + and #" } }

local function pairs_of(count)
  local list = {}
  for i = 1, count do list[i] = { "key" .. i, "value" .. i } end
  return list
end

local function numbered(list)
  local query = {}
  for i, pair in ipairs(list) do
    query[("UserProp.%d.Key"):format(i)], query[("UserProp.%d.Value"):format(i)] = pair[1], pair[2]
  end
  return query
end

local ALL_BYTES = {}
for byte = 0, 255 do ALL_BYTES[byte + 1] = string.char(byte) end
ALL_BYTES = table.concat(ALL_BYTES)

local PAYLOAD_MAX = 256 * 1024
local cycle = {}
cycle[1] = cycle

-- good: { value, query parameters, form parameters }; bad: { value, words, field where it is another one }
local PARAMETERS = {
  product_key = {
    good = { { "a1Q5XoY", {} }, { "x", { ProductKey = "x" } }, { ("k"):rep(64), { ProductKey = ("k"):rep(64) } } },
    bad = text(64),
  },
  topic_full_name = {
    good = {
      { "/broadcast/a1Q5XoY/all", { TopicFullName = "/broadcast/a1Q5XoY/all" } }, { "raw", { TopicFullName = "raw" } },
 { "/" .. ("t"):rep(65534), { TopicFullName = "/" .. ("t"):rep(65534) } },
      { "/a/b=&%25 é你~*'()!", { TopicFullName = "/a/b=&%25 é你~*'()!" } },
    },
    bad = text(65535, WILDCARDS),
  },
  payload = {
    good = {
      { "", {}, { MessageContent = "" } }, { "a", {}, { MessageContent = "YQ==" } },
      { ALL_BYTES, {}, { MessageContent = base64.encode(ALL_BYTES) } }, { "a\r\n\0", {},
        { MessageContent = "YQ0KAA==" } },
      { "aGVsbG8=", {}, { MessageContent = "YUdWc2JHOD0=" } },
      { { b = 1, a = { true, 1.5, "ü" } }, {}, { MessageContent = base64.encode('{"a":[true,1.5,"ü"],"b":1}') } },
      { {}, {}, { MessageContent = base64.encode("{}") } },
      { ("x"):rep(PAYLOAD_MAX), {}, { MessageContent = base64.encode(("x"):rep(PAYLOAD_MAX)) } },
    },
    bad = {
      { 1, "a string of bytes, or a table" }, { true, "a string of bytes" }, { false, "a string of bytes" },
        { nothing, "a string of bytes" },
      { ("x"):rep(PAYLOAD_MAX + 1), ("is %d bytes long; the limit is %d"):format(PAYLOAD_MAX + 1, PAYLOAD_MAX) },
      { { ("x"):rep(PAYLOAD_MAX) }, "the limit is " .. PAYLOAD_MAX },
      { { a = { 1, 0 / 0 } }, "not a number that JSON has", "payload.a[2]" }, { { a = math.huge }, "JSON",
        "payload.a" },
      { { a = "\255" }, "UTF-8", "payload.a" }, { { 1, nil, 3 }, "holes" }, { { 1, a = 2 }, "mixes" },
      { { f = nothing }, "function", "payload.f" },
    },
  },
  qos = {
    good = { { 0, { Qos = "0" } }, { 1, { Qos = "1" } }, { 1.0, { Qos = "1" } }, { -0.0, { Qos = "0" } } },
    bad = integer({ 2, "must be 0 or 1" }, { -1, "must be 0 or 1" }),
  },
  iot_instance_id = {
    good = { { "iot-cn-fake0000", { IotInstanceId = "iot-cn-fake0000" } } }, bad = text(128),
  },
  device_name = {
    good = { { "device:1@x", { DeviceName = "device:1@x" } }, { ("d"):rep(128), { DeviceName = ("d"):rep(128) } } },
    bad = text(128),
  },
  response_topic = {
    good = { { "/a1/d/user/re ply", { ResponseTopic = "/a1/d/user/re ply" } } }, bad = text(65535, WILDCARDS),
  },
  correlation_data = {
    good = { { "id-1", { CorrelationData = "aWQtMQ==" } }, { ALL_BYTES,
      { CorrelationData = base64.encode(ALL_BYTES) } },
      { ("c"):rep(65535), { CorrelationData = base64.encode(("c"):rep(65535)) } } },
    bad = { { 1, "must be a string of bytes" }, { true, "must be a string of bytes" }, { {},
      "must be a string of bytes" },
      { "", "must not be empty" }, { ("c"):rep(65536), "is 65536 bytes long; the limit is 65535" } },
  },
  user_properties = {
    good = {
      { { b = "2", a = "1", B = "3" }, numbered { { "B", "3" }, { "a", "1" }, { "b", "2" } } },
      { { { "b", "2" }, { "a", "1" }, { "b", "3" } }, numbered { { "b", "2" }, { "a", "1" }, { "b", "3" } } },
      { { ["ключ &=+"] = "" }, numbered { { "ключ &=+", "" } } }, { {}, {} }, { pairs_of(20),
        numbered(pairs_of(20)) },
    },
    bad = {
      { "a=b", "must be a map, or an array" }, { 1, "must be a map" }, { true, "must be a map" },
      { pairs_of(21), "more than 20" }, { { a = 1 }, "must be a string", "user_properties.a" },
      { { a = true }, "must be a string", "user_properties.a" }, { { a = "\255" }, "UTF-8", "user_properties.a" },
      { { a = "x\r\n" }, "CR, LF or NUL", "user_properties.a" }, { { ["a\n"] = "x" }, "CR, LF or NUL",
        "user_properties.a\n" },
      { { a = "x\0" }, "CR, LF or NUL", "user_properties.a" }, { { [""] = "x" }, "non-empty", "user_properties." },
      { { "a" }, "key", "user_properties[1]" }, { { { "a" } }, "must be a string", "user_properties[1]" },
      { { { 1, "x" } }, "non-empty string", "user_properties[1]" }, { { { "a", "b" }, { "c" } }, "must be a string",
        "user_properties[2]" },
      { { { key = "a", value = "b" } }, "key", "user_properties[1]" },
      { { [2] = { "a", "b" } }, "key", "user_properties.2" }, { { [1.5] = "x" }, "key", "user_properties.1.5" },
      { { [true] = "x" }, "key", "user_properties.true" },
      { { a = ("x"):rep(65536) }, "65535", "user_properties.a" }, { { { ("k"):rep(65536), "v" } }, "65535",
        "user_properties[1]" },
    },
  },
  content_type = {
    good = { { "application/json; charset=utf-8", { ContentType = "application/json; charset=utf-8" } } },
      bad = text(65535),
  },
  payload_format_indicator = {
    good = { { 0, { PayloadFormatIndicator = "0" } }, { 1, { PayloadFormatIndicator = "1" } }, { 1.0,
      { PayloadFormatIndicator = "1" } } },
    bad = integer({ 2, "must be 0 or 1" }, { -1, "must be 0 or 1" }),
  },
  message_expiry_interval = {
    good = { { 0, { MessageExpiryInterval = "0" } }, { 60.0, { MessageExpiryInterval = "60" } },
      { 4294967295, { MessageExpiryInterval = "4294967295" } } },
    bad = integer({ -1, "must be at least 0, not -1" }, { 4294967296, "must be at most 4294967295" }, { 1e300,
      "at most 4294967295" }),
  },
  retained = {
    good = { { true, { Retained = "true" } }, { false, { Retained = "false" } } },
    bad = { { "true", 'must be true or false, not the string "true"' }, { 1, "must be true or false" }, { 0,
      "must be true or false" },
      { {}, "must be true or false" }, { nothing, "must be true or false" } },
  },
  topic_alias = {
    good = { { 1, { TopicAlias = "1" } }, { 65535, { TopicAlias = "65535" } }, { 7.0, { TopicAlias = "7" } } },
    bad = integer({ 0, "must be at least 1, not 0" }, { 65536, "must be at most 65535, not 65536" }),
  },
}

describe("pub", function()
  it("is covered here with all its parameters", function()
    local count = 0
    for _, rule in ipairs(pub.rules.list) do
      count = count + 1
      assert.is_table(PARAMETERS[rule.name], rule.name)
    end
    assert.equal(14, count)
  end)

  it("puts the content in the body and all else in the address", function()
    assert_on_wire({}, {})
  end)

  it("carries all fourteen at once", function()
    assert_on_wire({ qos = 1, iot_instance_id = "i", device_name = "d", response_topic = "/r", correlation_data = "c",
      user_properties = { k = "v" }, content_type = "t", payload_format_indicator = 1, message_expiry_interval = 5,
        retained = true,
      topic_alias = 2 }, { Qos = "1", IotInstanceId = "i", DeviceName = "d", ResponseTopic = "/r",
        CorrelationData = "Yw==",
      ["UserProp.1.Key"] = "k", ["UserProp.1.Value"] = "v", ContentType = "t", PayloadFormatIndicator = "1",
      MessageExpiryInterval = "5", Retained = "true", TopicAlias = "2" })
  end)

  it("goes to the account's instance where the client names one", function()
    local client = assert(iotmsg.new(wire.options { iot_instance_id = "iot-default" }))
    assert.equal("iot-default", wire.query(client:prepare("pub", params())).IotInstanceId)
    assert.equal("iot-own", wire.query(client:prepare("pub", params { iot_instance_id = "iot-own" })).IotInstanceId)
  end)

  for name, parameter in pairs(PARAMETERS) do
    describe(name, function()
      for i, case in ipairs(parameter.good) do
        it(("puts good value %d on the wire: %s"):format(i, show(case[1])), function()
          assert_on_wire({ [name] = case[1] }, case[2], case[3])
        end)
      end

      for i, case in ipairs(parameter.bad) do
        it(("refuses bad value %d: %s"):format(i, show(case[1])), function()
          local client = CLIENTS.v3
          local request, err = client:prepare("pub", params { [name] = case[1] })
          refused(request, err, case[3] or name, case[2])
          local own = params { [name] = case[1] }
          own.timestamp, own.nonce = nil, nil
          local res, pub_err = client:pub(own)
          refused(res, pub_err, case[3] or name, case[2])
        end)
      end
    end)
  end

  it("refuses a payload table that contains itself", function()
    local request, err = CLIENTS.v3:prepare("pub", params { payload = cycle })
    assert.is_nil(request)
    assert.equal("invalid_argument", err.kind)
    assert.is_truthy(err.field:find("^payload%[1%]"))
    assert.is_truthy(err.message:find("nested", 1, true))
  end)

  for _, name in ipairs { "product_key", "topic_full_name", "payload" } do
    it("requires " .. name, function()
      local own = params()
      own[name] = nil
      local request, err = CLIENTS.v3:prepare("pub", own)
      refused(request, err, name, "is required")
    end)
  end

  it("wants a text payload with payload_format_indicator = 1", function()
    local request, err = CLIENTS.v3:prepare("pub", params { payload_format_indicator = 1, payload = "\255" })
    refused(request, err, "payload", "UTF-8", "payload_format_indicator")
    assert(CLIENTS.v3:prepare("pub", params { payload_format_indicator = 0, payload = "\255" }))
  end)

  local LOSES = {
    ["a hole"] = { { "a", "b" }, nil, { "c", "d" } }, ["a name among the pairs"] = { { "a", "b" }, c = "d" },
    ["a third element"] = { { "a", "b", "c" } }, ["a name in a pair"] = { { "a", "b", c = "d" } },
  }
  for what, list in pairs(LOSES) do
    it("drops nothing of user_properties silently: " .. what, function()
      local request, err = CLIENTS.v3:prepare("pub", params { user_properties = list })
      assert.is_nil(request)
      assert.equal("invalid_argument", err.kind)
      assert.is_truthy(err.field:find("^user_properties"))
    end)
  end

  local MISSPELT = {
    product_ky = "product_key", ProductKey = "product_key", productkey = "product_key",
      TopicFullName = "topic_full_name",
    topic_fullname = "topic_full_name", payloads = "payload", paylod = "payload", Qos = "qos", QoS = "qos",
    qso = "qos", IotInstanceId = "iot_instance_id", iot_instance = "iot_instance_id", DeviceName = "device_name",
    devicename = "device_name", ResponseTopic = "response_topic", CorrelationData = "correlation_data",
    user_property = "user_properties", UserProperties = "user_properties", ContentType = "content_type",
    PayloadFormatIndicator = "payload_format_indicator", MessageExpiryInterval = "message_expiry_interval",
      retain = "retained",
    Retained = "retained", TopicAlias = "topic_alias", timeout = "timeout_ms", retrys = "retry",
  }
  for name, nearest in pairs(MISSPELT) do
    it(("suggests %s for %s"):format(nearest, name), function()
      local request, err = CLIENTS.v3:prepare("pub", params { [name] = "x" })
      refused(request, err, name, "is not a known name", ('did you mean "%s"?'):format(nearest))
    end)
  end

  for _, name in ipairs { "MessageContent", "message_content", "Payload", "message" } do
    it("says what stands for " .. name, function()
      local request, err = CLIENTS.v3:prepare("pub", params { [name] = "x" })
      refused(request, err, name, "payload", "Base64")
    end)
  end

  it("refuses names that no table of names has", function()
    local request, err = CLIENTS.v3:prepare("pub", params { "positional" })
    refused(request, err, "1", "named values")
    request, err = CLIENTS.v3:prepare("pub", params { zzzzzzzzzzzz = 1 })
    refused(request, err, "zzzzzzzzzzzz", "is not a known name")
    request, err = CLIENTS.v3:prepare("pub", params { ["x\r\ny"] = 1 })
    refused(request, err, "x\r\ny", "is not a known name")
  end)

  it("reads the caller's table whole: it may be changed right after", function()
    local own = params { payload = { list = { 1, 2 } }, user_properties = { { "a", "b" } } }
    local before = assert(CLIENTS.v3:prepare("pub", own))
    local line = before:curl { reveal = true }
    own.payload.list[1], own.user_properties[1][2], own.product_key, own.qos = 99, "changed", "changed", "no number"
    assert.equal(line, before:curl { reveal = true })
  end)

  it("leaves the caller's table as it was", function()
    local own = params { payload = { a = 1 }, user_properties = { k = "v" }, qos = 1 }
    assert(CLIENTS.v3:prepare("pub", own))
    assert.same(params { payload = { a = 1 }, user_properties = { k = "v" }, qos = 1 }, own)
  end)

  it("starts nothing when it refuses, and never calls on_done", function()
    local called = false
    local call, err = CLIENTS.v3:start("pub", { product_key = "a1", topic_full_name = "/t", payload = 1 },
      function() called = true end)
    refused(call, err, "payload")
    assert.equal(0, iotmsg.poll(0))
    assert.is_false(called)
    assert.is_true(iotmsg.drain(0))
  end)
end)
