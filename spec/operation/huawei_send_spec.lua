-- huawei.send: what each parameter puts on the wire and what it refuses, how the request is signed, and what its
-- replies mean.

local cjson = require "cjson"

local base64 = require("iotmsg").base64
local Error = require "iotmsg.error"
local iotmsg = require "iotmsg"
local options = require "iotmsg.options"
local quota = require "iotmsg.quota"
local refused = require "spec.support.refusal"
local send = require "iotmsg.operation.huawei_send"
local show = require "spec.support.show"
local values = require "spec.support.values"

local HOST = "iotda.cn-north-4.myhuaweicloud.com"
local DEDICATED = "a160fake00.st1.iotda-app.cn-north-4.myhuaweicloud.com"
local KEYS = { access_key_id = "FAKEAK00000000000000", access_key_secret = "fakeSK0000000000000000000000000000000000" }

local function client_with(more)
  local given = { endpoint = HOST, access_key_id = KEYS.access_key_id, access_key_secret = KEYS.access_key_secret }
  for name, value in pairs(more or {}) do given[name] = value end
  return assert(iotmsg.huawei.new(given))
end

local CLIENT = client_with()

local function params(more)
  local own = { project_id = "p-1", device_id = "device_1", payload = "HelloWorld", message_id = "m-1" }
  for name, value in pairs(more or {}) do own[name] = value end
  return own
end

local function prepare(more, client)
  local own = params(more)
  own.timestamp = 1709251199
  local request, err = (client or CLIENT):prepare("send", own)
  assert.is_nil(err, tostring(err))
  return request
end

local function body_of(request)
  return cjson.decode(request.body)
end

-- Asserts the whole body: what every message has, and the given.
local function assert_body(more, body)
  local expected = { message = "HelloWorld", message_id = "m-1" }
  for name, value in pairs(body) do expected[name] = value end
  local request = prepare(more)
  assert.same(expected, body_of(request))
  assert.equal("POST", request.method)
  assert.equal(("https://%s/v5/iot/p-1/devices/device_1/messages"):format(HOST), request.url)
  return request
end

local ID_WORDS = "must consist of letters, digits, _ and -"

local function id(max)
  return values.text(max, values.each(ID_WORDS, "a b", "a/b", "a.b", "é", "../x", "a%2Fb", "a?b"))
end

local function property(key, value)
  return { properties = { user_properties = { { prop_key = key, prop_value = value } } } }
end

local function many(count)
  local list, wire = {}, {}
  for i = 1, count do
    list[i] = { "k" .. i, "v" .. i }
    wire[i] = { prop_key = "k" .. i, prop_value = "v" .. i }
  end
  return list, { properties = { user_properties = wire } }
end

local twenty, twenty_on_wire = many(20)
local MAX = 256 * 1024
local NOT_THERE = "holds a character that is not allowed there"
local nothing = values.NOTHING

-- good: { value, members of the body }; bad: { value, words, field where it is another one }
local PARAMETERS = {
  project_id = { bad = id(128) },
  device_id = { bad = id(128) },
  payload = {
    good = {
      { "", { message = "" } }, { "a\r\n\0\127", { message = "a\r\n\0\127" } },
      { 'é 你 "\\ </script>', { message = 'é 你 "\\ </script>' } }, { "{}", { message = "{}" } },
      { '{"a":1}', { message = '{"a":1}' } }, { { a = 1 }, { message = { a = 1 } } }, { {}, { message = {} } },
      { { a = { b = { 1, 2.5, true, "ü", cjson.null } } }, { message = { a = { b = { 1, 2.5, true, "ü",
        cjson.null } } } } },
    },
    bad = {
      { 1, "a string of bytes, or a table" }, { true, "a string of bytes" }, { false, "a string of bytes" },
      { nothing, "a string of bytes" }, { { 1, 2 }, "must be a JSON object or a string" },
      { { { a = 1 } }, "must be a JSON object" },
      { ("x"):rep(MAX + 1), ("is %d bytes long; the limit is %d"):format(MAX + 1, MAX) },
      { { a = ("x"):rep(MAX) }, "the limit is " .. MAX }, { "\255", 'must be UTF-8; for other bytes pass encoding' },
      { "\237\160\128", "must be UTF-8" }, { { a = "\255" }, "UTF-8", "payload.a" },
      { { a = 0 / 0 }, "not a number that JSON has", "payload.a" },
      { { a = math.huge }, "not a number that JSON has", "payload.a" }, { { 1, a = 2 }, "mixes" },
      { { a = { 1, nil, 3 } }, "holes", "payload.a" }, { { f = nothing }, "function", "payload.f" },
    },
  },
  message_id = {
    good = { { "A-z_0", { message_id = "A-z_0" } }, { ("m"):rep(128), { message_id = ("m"):rep(128) } } },
    bad = id(128),
  },
  name = {
    good = {
      { "n", { name = "n" } }, { "Az09_?'#().,&%@!-", { name = "Az09_?'#().,&%@!-" } }, { "温度", { name = "温度" } },
      { ("n"):rep(128), { name = ("n"):rep(128) } }, { ("你"):rep(128), { name = ("你"):rep(128) } },
    },
    bad = values.join(values.NOT_TEXT, values.each(NOT_THERE, "a b", "a/b", 'a"b', "a\tb", "a\127b", "a\\b", "a=b",
      "<"),
      values.each("has 129 characters; the limit is 128", ("n"):rep(129), ("你"):rep(129)),
      values.each("limit", ("n"):rep(513))),
  },
  encoding = {
    good = { { "none", { encoding = "none" } },
      { "base64", { encoding = "base64", message = base64.encode "HelloWorld" } } },
    bad = values.join(values.each("must be a string", 1, true, {}, nothing), { { "", "must not be empty" } },
      values.each('must be "none" or "base64"', "Base64", "gzip", "none\n", "\255")),
  },
  payload_format = {
    good = { { "standard", { payload_format = "standard" } }, { "raw", { payload_format = "raw" } } },
    bad = values.join(values.each("must be a string", 1, true, {}, nothing), { { "", "must not be empty" } },
      values.each('must be "standard" or "raw"', "RAW", "json", "raw\r", "\255")),
  },
  topic = {
    good = { { "t", { topic = "t" } }, { "a/b/c", { topic = "a/b/c" } },
      { ("t"):rep(128), { topic = ("t"):rep(128) } } },
    bad = values.text(128, values.WILDCARDS),
  },
  topic_full_name = {
    good = { { "/a/b", { topic_full_name = "/a/b" } },
      { "$oc/devices/d/user/x", { topic_full_name = "$oc/devices/d/user/x" } },
      { ("t"):rep(128), { topic_full_name = ("t"):rep(128) } } },
    bad = values.text(128, values.WILDCARDS),
  },
  ttl = {
    good = { { 0, { ttl = 0 } }, { -0.0, { ttl = 0 } }, { 5, { ttl = 5 } }, { 5.0, { ttl = 5 } },
      { 1440, { ttl = 1440 } } },
    bad = values.integer {
      { -5, "must be at least 0, not -5" }, { 1445, "must be at most 1440, not 1445" }, { -1, "at least 0" },
      { 1, "must be a multiple of 5 minutes, not 1" }, { 6, "multiple of 5 minutes, not 6" },
      { 1439, "multiple of 5" }, { 1e300, "at most 1440" }, { "5", "must be an integer, not a string: write 5" },
    },
  },
  correlation_data = {
    good = { { "Az-_09", { properties = { correlation_data = "Az-_09" } } },
      { ("c"):rep(128), { properties = { correlation_data = ("c"):rep(128) } } } },
    bad = values.text(128, values.each(ID_WORDS, "a b", "YQ==", "a/b", "你")),
  },
  response_topic = {
    good = { { "/a/b", { properties = { response_topic = "/a/b" } } },
      { "Az09_-?=$#+/", { properties = { response_topic = "Az09_-?=$#+/" } } },
      { ("r"):rep(128), { properties = { response_topic = ("r"):rep(128) } } } },
    bad = values.text(128, values.each(NOT_THERE, "a b", "a.b", "你", "a&b", "a@b")),
  },
  user_properties = {
    good = {
      { { b = "2", a = "1", B = "3" }, { properties = { user_properties = { { prop_key = "B", prop_value = "3" },
        { prop_key = "a", prop_value = "1" }, { prop_key = "b", prop_value = "2" } } } } },
      { { { "b", "2" }, { "a", "1" }, { "b", "3" } }, { properties = { user_properties = {
        { prop_key = "b", prop_value = "2" }, { prop_key = "a", prop_value = "1" },
        { prop_key = "b", prop_value = "3" } } } } },
      { { k = "温 度" }, property("k", "温 度") }, { { k = "Az09 _?'#().,&%@!-" }, property("k", "Az09 _?'#().,&%@!-") },
      { { ["A-z_0"] = "v" }, property("A-z_0", "v") }, { { k = ("你"):rep(128) }, property("k", ("你"):rep(128)) },
      { { [("k"):rep(128)] = ("v"):rep(128) }, property(("k"):rep(128), ("v"):rep(128)) }, { twenty, twenty_on_wire },
    },
    bad = {
      { "a=b", "must be a map, or an array" }, { 1, "must be a map" }, { true, "must be a map" },
      { (many(21)), "more than 20" }, { { a = 1 }, "must be a string", "user_properties.a" },
      { { a = true }, "must be a string", "user_properties.a" }, { { a = "\255" }, "UTF-8", "user_properties.a" },
      { { a = "x\r\n" }, "CR, LF or NUL", "user_properties.a" }, { { a = "x\0" }, "CR, LF or NUL",
        "user_properties.a" },
      { { a = "a/b" }, NOT_THERE, "user_properties.a" }, { { a = 'a"b' }, NOT_THERE, "user_properties.a" },
      { { a = ("v"):rep(129) }, "has 129 characters; the limit is 128", "user_properties.a" },
      { { a = ("你"):rep(129) }, "has 129 characters; the limit is 128", "user_properties.a" },
      { { ["a b"] = "x" }, "key of letters, digits, _ and -", "user_properties.a b" },
      { { ["键"] = "x" }, "key of letters, digits, _ and -", "user_properties.键" },
      { { { ("k"):rep(129), "v" } }, "limit is 128", "user_properties[1]" },
      { { [""] = "x" }, "non-empty", "user_properties." }, { { "a" }, "key", "user_properties[1]" },
      { { { "a", "b" }, { "c" } }, "must be a string", "user_properties[2]" },
      { { { key = "a", value = "b" } }, "key", "user_properties[1]" },
      { { { "a", "b", "c" } }, "pair", "user_properties[1]" }, { { { "a", "b" }, c = "d" }, "mixes" },
    },
  },
  instance_id = { bad = values.text(128) },
}

describe("huawei.send", function()
  it("is covered here with all its parameters", function()
    for _, rule in ipairs(send.rules.list) do assert.is_table(PARAMETERS[rule.name], rule.name) end
    assert.equal(14, #send.rules.list)
  end)

  for name, parameter in pairs(PARAMETERS) do
    describe(name, function()
      for i, good in ipairs(parameter.good or {}) do
        it(("puts good value %d on the wire: %s"):format(i, show(good[1])), function()
          assert_body({ [name] = good[1] }, good[2])
        end)
      end

      for i, bad in ipairs(parameter.bad) do
        it(("refuses bad value %d: %s"):format(i, show(bad[1])), function()
          local own = params { [name] = bad[1] }
          local request, err = CLIENT:prepare("send", own)
          refused(request, err, bad[3] or name, bad[2])
          local res, send_err = CLIENT:send(own)
          refused(res, send_err, bad[3] or name, bad[2])
        end)
      end
    end)
  end

  it("says no more than it was told", function()
    assert.equal('{"message":"HelloWorld","message_id":"m-1"}', prepare().body)
  end)

  it("carries everything at once", function()
    assert_body({ name = "n", encoding = "none", payload_format = "raw", topic = "t", ttl = 10,
      correlation_data = "c", response_topic = "/r", user_properties = { k = "v" }, instance_id = "i" }, {
      name = "n", encoding = "none", payload_format = "raw", topic = "t", ttl = 10, properties = {
        correlation_data = "c", response_topic = "/r", user_properties = { { prop_key = "k", prop_value = "v" } } },
    })
  end)

  it("tells project and device in the path, the instance in a header", function()
    for _, text in ipairs { "A-z_0", ("d"):rep(128) } do
      local request = prepare { project_id = text, device_id = text, instance_id = text }
      assert.equal(("https://%s/v5/iot/%s/devices/%s/messages"):format(HOST, text, text), request.url)
      assert.equal(text, request.headers["x-project-id"])
      assert.equal(text, request.headers["instance-id"])
      assert.equal("application/json", request.headers["content-type"])
      assert.equal(HOST, request.headers.host)
    end
    assert.is_nil(prepare().headers["instance-id"])
  end)

  it("takes project and instance from the client", function()
    local client = client_with { project_id = "p-client", instance_id = "i-client" }
    local own = { device_id = "d", payload = "x" }
    local request = assert(client:prepare("send", own))
    assert.equal("p-client", request.headers["x-project-id"])
    assert.equal("i-client", request.headers["instance-id"])
    own.project_id, own.instance_id = "p-own", false
    request = assert(client:prepare("send", own))
    assert.equal("p-own", request.headers["x-project-id"])
    assert.is_nil(request.headers["instance-id"])
    assert.is_truthy(request.url:find("/v5/iot/p-own/", 1, true))
    own.project_id = false
    local none, err = client:prepare("send", own)
    refused(none, err, "project_id", "is required")
  end)

  for _, name in ipairs { "project_id", "device_id", "payload" } do
    it("requires " .. name, function()
      local own = params()
      own[name] = nil
      local request, err = CLIENT:prepare("send", own)
      refused(request, err, name, "is required")
    end)
  end

  it("sends a table with its keys sorted and its numbers exact", function()
    assert.equal('{"message":{"a":9007199254740991,"b":0.1,"c":[1,2]},"message_id":"m-1"}',
      prepare({ payload = { c = { 1, 2.0 }, b = 0.1, a = 9007199254740991 } }).body)
  end)

  it("takes 256 KB, in bytes", function()
    assert.equal(MAX, #body_of(prepare { payload = ("x"):rep(MAX) }).message)
    assert_body({ payload = ("你"):rep(87381) .. "x" }, { message = ("你"):rep(87381) .. "x" })
    local request, err = CLIENT:prepare("send", params { payload = ("你"):rep(87382) })
    refused(request, err, "payload", "is 262146 bytes long; the limit is 262144")
  end)

  it("takes one topic", function()
    local request, err = CLIENT:prepare("send", params { topic = "t", topic_full_name = "/t" })
    refused(request, err, "topic_full_name", "topic exclude each other")
  end)

  it("sends any bytes as Base64 when asked to", function()
    local bytes = values.all_bytes()
    assert_body({ payload = bytes, encoding = "base64" }, { encoding = "base64", message = base64.encode(bytes) })
    assert_body({ payload = "", encoding = "base64" }, { encoding = "base64", message = "" })
    for _, format in ipairs { "raw", "standard" } do
      local request, err = CLIENT:prepare("send", params { encoding = "base64", payload_format = format })
      refused(request, err, "payload_format", 'encoding = "base64"')
    end
    local request, err = CLIENT:prepare("send", params { encoding = "base64", payload = { a = 1 } })
    refused(request, err, "payload", "must be a string", 'encoding = "base64"')
    request, err = CLIENT:prepare("send", params { encoding = "none", payload = "\255" })
    refused(request, err, "payload", "must be UTF-8")
  end)

  it("has no properties where none were named", function()
    local body = body_of(prepare { user_properties = {} })
    assert.is_nil(body.properties and body.properties.user_properties)
  end)

  it("makes a message_id of its own, another each time", function()
    local seen = {}
    for _ = 1, 100 do
      local message_id = body_of(assert(CLIENT:prepare("send", { project_id = "p", device_id = "d",
        payload = "" }))).message_id
      assert.is_truthy(message_id:find("^[%w_-]+$"))
      assert.is_true(#message_id <= 100 and #message_id >= 16)
      assert.is_nil(seen[message_id])
      seen[message_id] = true
    end
  end)

  for name, words in pairs { message = "payload", properties = "user_properties" } do
    it("says what stands for " .. name, function()
      local request, err = CLIENT:prepare("send", params { [name] = "x" })
      refused(request, err, name, words)
    end)
  end

  for name, nearest in pairs { deviceId = "device_id", TTL = "ttl", messageId = "message_id", topicFullName =
    "topic_full_name", payloadformat = "payload_format", projectid = "project_id", timeout = "timeout_ms" } do
    it(("suggests %s for %s"):format(nearest, name), function()
      local request, err = CLIENT:prepare("send", params { [name] = "x" })
      refused(request, err, name, "is not a known name", ('did you mean "%s"?'):format(nearest))
    end)
  end

  it("reads the caller's table whole and leaves it as it was", function()
    local own = params { payload = { a = { 1 } }, user_properties = { { "a", "b" } } }
    local request = assert(CLIENT:prepare("send", own))
    local line = request:curl { reveal = true }
    assert.same(params { payload = { a = { 1 } }, user_properties = { { "a", "b" } } }, own)
    own.payload.a[1], own.user_properties[1][2], own.ttl = 99, "changed", "no number"
    assert.equal(line, request:curl { reveal = true })
  end)

  it("is an operation of Huawei's clients and of the module", function()
    assert.is_function(iotmsg.huawei.send)
    assert.is_nil(iotmsg.send)
    assert.is_nil(iotmsg.huawei.pub)
    assert.has_error(function() CLIENT.send(params()) end)
    assert.has_error(function() CLIENT:send() end)
    assert.has_error(function() iotmsg.huawei:send(params()) end)
    assert.has_error(function() CLIENT:start("pub", {}) end)
  end)

  it("keeps the rate that max_qps gives it", function()
    local settings = assert(options.huawei:read { max_qps = { send = 1 } })
    assert.equal(0, quota.take(settings, send, "max_qps-of-send", 1000))
    assert.is_true(quota.take(settings, send, "max_qps-of-send", 1000) > 900)
    assert.equal(0, quota.take(assert(options.huawei:read {}), send, "no-max_qps", 1000))
    assert.equal(0, quota.take(assert(options.huawei:read {}), send, "no-max_qps", 1000))
  end)
end)

-- The same signed by the building block, which the vendor's vectors prove.
local function assert_signed(request, region, keys)
  local headers = {}
  for name, value in pairs(request.headers) do headers[name] = value end
  headers.authorization, headers["user-agent"] = nil, nil
  local again = assert(iotmsg.sign.huawei { method = "POST", path = request.url:match("^https?://[^/]+(/.*)$"),
    headers = headers, body = request.body, access_key_id = KEYS.access_key_id,
    access_key_secret = (keys or KEYS).access_key_secret, region = region, service = region and "iotdm" })
  assert.equal(again.canonical_request, request.canonical_request)
  assert.equal(again.string_to_sign, request.string_to_sign)
  assert.equal(again.authorization, request.headers.authorization)
end

describe("the signature of huawei.send", function()
  it("is SDK-HMAC-SHA256 for shared hosts", function()
    local request = prepare { instance_id = "i" }
    assert.equal("20240229T235959Z", request.headers["x-sdk-date"])
    assert.is_truthy(request.headers.authorization:find("SDK-HMAC-SHA256 Access=FAKEAK00000000000000, "
      .. "SignedHeaders=content-type;host;instance-id;x-project-id;x-sdk-date, Signature=", 1, true))
    assert_signed(request)
  end)

  for _, host in ipairs { DEDICATED, "https://" .. DEDICATED .. "/", DEDICATED .. ":443", DEDICATED .. ":8443",
    DEDICATED:upper() } do
    it("is V11-HMAC-SHA256 for the dedicated host " .. host, function()
      local request = prepare(nil, client_with { endpoint = host })
      assert.is_truthy(request.headers.authorization:find(
        "V11-HMAC-SHA256 Credential=FAKEAK00000000000000/20240229/cn-north-4/iotdm, SignedHeaders=", 1, true))
      assert_signed(request, "cn-north-4")
    end)
  end

  it("reads the region from the dedicated host", function()
    for _, region in ipairs { "cn-south-1", "ap-southeast-1", "me-east-1" } do
      local host = ("0123456789.st1.iotda-app.%s.myhuaweicloud.com"):format(region)
      assert_signed(prepare(nil, client_with { endpoint = host }), region)
    end
  end)

  for _, host in ipairs { HOST, "10.0.0.1", "https://127.0.0.1:8443", "iot.example.com",
    "a.st1.iotda-device.cn-north-4.myhuaweicloud.com" } do
    it("is not derived for " .. host, function()
      assert_signed(prepare(nil, client_with { endpoint = host }))
    end)

    if host ~= HOST then
      it("wants a region to be derived for " .. host, function()
        local request, err = client_with({ endpoint = host, derived = true }):prepare("send", params())
        refused(request, err, "region", "derived = true")
        assert_signed(prepare(nil, client_with { endpoint = host, derived = true, region = "cn-south-1" }),
          "cn-south-1")
      end)
    end
  end

  it("is not derived with derived = false", function()
    assert_signed(prepare(nil, client_with { endpoint = DEDICATED, derived = false }))
    assert_signed(prepare({ derived = false }, client_with { endpoint = DEDICATED }))
    assert_signed(prepare({ derived = true }, client_with { endpoint = DEDICATED, derived = false }), "cn-north-4")
  end)

  it("is derived with derived = true and a region", function()
    assert_signed(prepare(nil, client_with { endpoint = false, region = "cn-south-1", derived = true }), "cn-south-1")
  end)

  it("covers a security token, of either kind", function()
    for _, host in ipairs { HOST, DEDICATED } do
      local request = prepare(nil, client_with { endpoint = host, security_token = "fake-token" })
      assert.equal("fake-token", request.headers["x-security-token"])
      assert.is_truthy(request.headers.authorization:find(";x-security-token,", 1, true))
      assert_signed(request, host == DEDICATED and "cn-north-4" or nil)
      assert.is_nil(prepare({ security_token = false }, client_with { security_token = "t" })
        .headers["x-security-token"])
    end
  end)

  it("covers the bytes of the body", function()
    assert_signed(prepare { payload = "é 你\0\r\n", name = "温度" })
    assert_signed(prepare { payload = ("x"):rep(MAX) })
  end)

  it("gives way to a token", function()
    for _, host in ipairs { HOST, DEDICATED } do
      local request = prepare(nil, assert(iotmsg.huawei.new { endpoint = host, auth_token = "fake-auth-token" }))
      assert.equal("fake-auth-token", request.headers["x-auth-token"])
      for _, name in ipairs { "authorization", "x-sdk-date", "x-security-token" } do
        assert.is_nil(request.headers[name], name)
      end
      assert.is_nil(request.string_to_sign)
      assert.equal("p-1", request.headers["x-project-id"])
    end
    local request = prepare({ auth_token = "fake-auth-token" })
    assert.equal("fake-auth-token", request.headers["x-auth-token"])
    assert.is_nil(request.headers.authorization)
  end)

  it("gives the same bytes for the same time and message_id", function()
    for _, host in ipairs { HOST, DEDICATED } do
      local client = client_with { endpoint = host }
      local more = { user_properties = { b = "1", a = "2" }, payload = { z = 1, y = 2, x = 3 } }
      assert.same(prepare(more, client), prepare(more, client))
      assert.equal(prepare(more, client):curl { reveal = true }, prepare(more, client):curl { reveal = true })
    end
  end)

  it("is masked on a command line, as tokens are", function()
    for _, more in ipairs { { endpoint = HOST, security_token = "fake-token" },
      { endpoint = DEDICATED, security_token = "fake-token" },
      { auth_token = "fake-token", access_key_id = false, access_key_secret = false } } do
      local request = prepare(nil, client_with(more))
      local signature = (request.headers.authorization or ""):match("Signature=(%x+)")
      local line, whole = request:curl(), request:curl { reveal = true }
      assert.is_nil(line:find("fake-token", 1, true))
      assert.is_truthy(whole:find("fake-token", 1, true))
      if signature then
        assert.is_nil(line:find(signature, 1, true))
        assert.is_truthy(whole:find(signature, 1, true))
      end
      assert.is_nil(whole:find(KEYS.access_key_secret, 1, true))
    end
  end)
end)

local function reply(status, body, headers)
  return { status = status, head = ("HTTP/1.1 %d X\r\n%s\r\n"):format(status, headers or ""), body = body }
end

local function parse(status, body, after_unknown, headers)
  return send.parse(reply(status, body, headers), { message_id = "m-1" }, after_unknown or false)
end

local function assert_failed(res, err, kind, outcome, retryable)
  assert.is_nil(res)
  assert.is_true(Error.is(err))
  assert.same({ kind, outcome, retryable }, { err.kind, err.outcome, err.retryable }, tostring(err))
  assert.is_string(err.message)
  assert.is_nil(tostring(err):find("[%c\127]"))
end

local ACCEPTED = '{"message_id":"m-1","result":{"status":"%s","created_time":"20240229T235959Z",'
  .. '"finished_time":"20240301T000000Z"}}'

describe("a reply to huawei.send", function()
  for _, word in ipairs { "PENDING", "DELIVERED" } do
    it("accepts with " .. word, function()
      local res = assert(parse(201, ACCEPTED:format(word), false, "X-Request-Id: r-1\r\n"))
      assert.equal("m-1", res.message_id)
      assert.equal("r-1", res.request_id)
      assert.equal(201, res.http_status)
      assert.same({ status = word, created_time = "20240229T235959Z", finished_time = "20240301T000000Z" }, res.result)
      assert.equal("m-1", res.body.message_id)
      assert.is_nil(res.duplicate)
    end)
  end

  it("accepts without a result", function()
    local res = assert(parse(201, '{"message_id":"m-1","result":null,"request_id":"r-2"}'))
    assert.is_nil(res.result)
    assert.equal("r-2", res.request_id)
  end)

  it("gives back the id that the platform made", function()
    assert.equal("889455942124347329", assert(parse(201, '{"message_id":889455942124347329}')).message_id)
    assert.equal("other", assert(parse(201, '{"message_id":"other"}')).message_id)
  end)

  for _, word in ipairs { "FAILED", "TIMEOUT" } do
    it(("is an error of the device with %s in a 201"):format(word), function()
      local res, err = parse(201, ACCEPTED:format(word), false, "X-Request-Id: r-1\r\n")
      assert_failed(res, err, "device", "rejected", false)
      assert.same({ status = word, created_time = "20240229T235959Z", finished_time = "20240301T000000Z" }, err.result)
      assert.equal("m-1", err.message_id)
      assert.equal("r-1", err.request_id)
      assert.equal(201, err.http_status)
      assert.is_truthy(err.message:find(word, 1, true))
    end)
  end

  local CASES = {
    { 200, '{"error_code":"IOTDA.014111","error_msg":"timeout"}', "device", "rejected", false },
    { 200, '{"error_code":"IOTDA.000001","error_msg":"internal"}', "server", "unknown", true },
    { 201, '{"error_code":"IOTDA.021101","error_msg":"rate"}', "throttled", "rejected", true },
    { 200, '{"error_code":"IOTDA.014016","error_msg":"offline","message_id":"m-1"}', "device", "rejected", false },
    { 403, '{"error_code":"IOTDA.021102","error_msg":"rate"}', "throttled", "rejected", true },
    { 401, '{"error_code":"APIGW.0301","error_msg":"x","request_id":"r"}', "auth", "rejected", false },
    { 401, '{"error":{"code":401,"message":"x"}}', "auth", "rejected", false },
    { 429, '{"error_code":"APIG.0308","error_msg":"x"}', "throttled", "rejected", true },
    { 502, '{"error_code":"APIGW.0201","error_msg":"x"}', "server", "unknown", true },
    { 413, '{"error_code":"APIGW.0201","error_msg":"x"}', "refused", "rejected", false },
    { 404, '{"error_code":"IOTDA.014000","error_msg":"x"}', "refused", "rejected", false },
    { 400, "{}", "refused", "rejected", false }, { 401, "{}", "auth", "rejected", false },
    { 500, "{}", "server", "unknown", true }, { 503, '{"message_id":"m-1"}', "server", "unknown", true },
    { 400, '{"errorCode":"IOTDA.000006","errorMsg":"x"}', "refused", "rejected", false },
  }
  for _, case in ipairs(CASES) do
    it(("with %d %s is %s, %s"):format(case[1], case[2], case[3], case[4]), function()
      local res, err = parse(case[1], case[2])
      assert_failed(res, err, case[3], case[4], case[5])
      assert.equal(case[1], err.http_status)
      assert.is_table(err.body)
    end)
  end

  it("carries the vendor's words", function()
    local _, err = parse(400, '{"error_code":"IOTDA.000006","error_msg":"Invalid input.\\n","request_id":"r-3"}')
    assert.equal("IOTDA.000006", err.code)
    assert.equal("Invalid input.\n", err.message)
    assert.equal("r-3", err.request_id)
    _, err = parse(429, "{}", false, "Retry-After: 3\r\n")
    assert.equal(3000, err.retry_after_ms)
  end)

  it("has texts that are strings, whatever came", function()
    for _, word in ipairs { "123", "1.5", "true", '{"a":1}', "[1,2]", "889455942124347329", '"two\\nlines"', '""' } do
      local res, err = parse(400, ('{"error_code":%s,"error_msg":%s,"request_id":%s}'):format(word, word, word))
      assert.is_nil(res)
      assert.is_string(err.message)
      assert.is_true(err.code == nil or type(err.code) == "string")
      assert.is_true(err.request_id == nil or type(err.request_id) == "string", type(err.request_id))
      assert.is_nil(tostring(err):find("[%c\127]"))
      res = assert(parse(201, ('{"message_id":"m-1","request_id":%s}'):format(word)))
      assert.is_true(res.request_id == nil or type(res.request_id) == "string")
    end
  end)

  for _, body in ipairs { "", " \r\n", "<html><body>hello</body></html>", "<!DOCTYPE html>\n<html></html>", "OK",
    "[1,2]", '"text"', "42", '{"message_id":"m', "\0\255", ("["):rep(5000) } do
    it("that cannot be understood is of kind protocol: " .. show(body), function()
      for _, status in ipairs { 200, 201, 302 } do
        local res, err = parse(status, body)
        assert_failed(res, err, "protocol", "unknown", false)
        assert.equal(status, err.http_status)
        assert.is_truthy(err.message:find(tostring(status), 1, true), err.message)
      end
      local res, err = parse(502, body)
      assert.is_nil(res)
      assert.same({ "unknown", true }, { err.outcome, err.retryable })
      res, err = parse(403, body)
      assert.is_nil(res)
      assert.equal("rejected", err.outcome)
    end)
  end

  for _, body in ipairs { "{}", '{"message_id":""}', '{"message_id":null}', '{"message_id":{}}', '{"message_id":true}',
    '{"result":{"status":"PENDING"}}' } do
    it("without a message_id is no success: " .. body, function()
      local res, err = parse(201, body)
      assert_failed(res, err, "protocol", "unknown", false)
    end)
  end

  it("that redirects is no success", function()
    local res, err = parse(307, '{"message_id":"m-1"}', false, "Location: https://elsewhere/\r\n")
    assert_failed(res, err, "protocol", "unknown", false)
  end)
end)

describe("a duplicate message_id", function()
  local BODY = '{"error_code":"IOTDA.014999","error_msg":"The message_id is duplicate.","request_id":"r"}'

  it("is refused on a first try", function()
    for _, status in ipairs { 400, 409 } do
      local res, err = parse(status, BODY)
      assert_failed(res, err, "refused", "rejected", false)
      assert.equal("IOTDA.014999", err.code)
    end
  end)

  it("is a success after a try that may have been taken", function()
    for _, status in ipairs { 400, 409 } do
      local res = assert(parse(status, BODY, true))
      assert.is_true(res.duplicate)
      assert.equal("m-1", res.message_id)
      assert.equal("r", res.request_id)
      assert.equal(status, res.http_status)
      assert.equal("IOTDA.014999", res.body.error_code)
    end
  end)

  it("is not what other refusals say, whatever their words", function()
    for _, case in ipairs {
      { 429, '{"error_code":"APIGW.0308","error_msg":"repeated requests: the throttling threshold was reached"}',
        "throttled" },
      { 500, '{"error_code":"IOTDA.000001","error_msg":"repeated internal errors"}', "server" },
      { 401, '{"error_code":"APIGW.0301","error_msg":"duplicate authorization header"}', "auth" },
      { 400, '{"error_code":"IOTDA.000006","error_msg":"The name is too long."}', "refused" },
    } do
      local res, err = parse(case[1], case[2], true)
      assert.is_nil(res, case[2])
      assert.equal(case[3], err.kind)
    end
  end)
end)
