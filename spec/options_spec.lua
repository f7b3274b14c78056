-- Every option: what it accepts, what it refuses and with which words, and how a call's options lie over a client's.

local child = require "spec.support.child"
local iotmsg = require "iotmsg"
local options = require "iotmsg.options"
local refused = require "spec.support.refusal"
local show = require "spec.support.show"
local wire = require "spec.support.wire"

local function nothing() end

local NOT_A_STRING = { { 1, "must be a string" }, { true, "must be a string" }, { {}, "must be a string" },
  { nothing, "must be a string" } }
local NOT_AN_INTEGER = { { "1", "must be an integer, not a string: write 1" }, { "one", "must be an integer" },
  { true, "must be an integer" }, { {}, "must be an integer" }, { 1.5, "must be an integer" },
  { 0 / 0, "must be an integer" }, { math.huge, "must be an integer" }, { -math.huge, "must be an integer" } }
local NOT_CLEAN = { { "a\rb", "CR, LF or NUL" }, { "a\nb", "CR, LF or NUL" }, { "a\0b", "CR, LF or NUL" },
  { "\255", "UTF-8" }, { "", "empty" } }

local function bad(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, case in ipairs(list) do all[#all + 1] = case end
  end
  return all
end

local function text(max, more)
  return bad(NOT_A_STRING, NOT_CLEAN, { { ("x"):rep(max + 1), "limit is " .. max } }, more or {})
end

local function integer(min, max)
  return bad(NOT_AN_INTEGER, { { min - 1, "at least " .. min }, { max + 1, ("at most %d"):format(max) } })
end

local function choice(...)
  local cases = bad(NOT_A_STRING, { { "other" } })
  for _, word in ipairs { ... } do cases[#cases] = { "other", word } end
  return cases
end

local DAY_MS = 24 * 3600 * 1000
local RATE = "must be a number above 0"

-- option -> values accepted, and values refused with a word of the message
local CASES = {
  access_key_id = { { "LTAI-FAKE" }, text(256) },
  access_key_secret = { { "fake" }, text(1024) },
  security_token = { { "fake", ("x"):rep(32768) }, text(32768) },
  credentials = { { nothing }, { { "x", "must be a function" }, { {}, "must be a function" }, { 1,
    "must be a function" } } },
  region = { { "cn-shanghai", "ap-southeast-1" }, text(64, { { "cn shanghai", "region id" }, { "a/b",
    "region id" } }) },
  endpoint = { { "iot.cn-shanghai.aliyuncs.com", "https://127.0.0.1:8443", { Iot = "h" }, { OnsMqtt = "h",
    Iot = "h" } },
    { { 1, "must be a host" }, { true, "must be a host" }, { { Foo = "h" }, "Foo" }, { { "h" }, "Iot" } } },
  iot_instance_id = { { "iot-cn-fake0000" }, text(128) },
  instance_id = { { "post-cn-fake0000" }, text(128) },
  signature = { { "v1", "v3" }, choice("v1", "v3") },
  format = { { "json", "xml" }, choice("json", "xml") },
  timeout_ms = { { 1, 15000, 15000.0, DAY_MS }, integer(1, DAY_MS) },
  connect_timeout_ms = { { 1, 5000, DAY_MS }, integer(1, DAY_MS) },
  retry = { { "safe", "at_least_once", "off" }, choice("safe", "at_least_once", "off") },
  max_attempts = { { 1, 4, 100 }, integer(1, 100) },
  max_qps = { { 800, 0.5, false, { pub = 800 }, { pub = false } },
    { { "800", RATE }, { true, RATE }, { 0, RATE }, { -1, RATE }, { 0 / 0, RATE }, { math.huge, RATE }, { nothing,
      RATE } } },
  max_connections = { { 1, 64, 10000 }, integer(1, 10000) },
  max_pending = { { 1, 10000 }, integer(1, 10000000) },
  max_pending_bytes = { { 1, 64 * 1024 * 1024, 2 ^ 40 }, integer(1, 2 ^ 40) },
  ca_file = { { "/etc/ssl/certs/ca-certificates.crt" }, text(4096) },
  client_cert = { { "cert.pem" }, text(4096) },
  client_key = { { "key.pem" }, text(4096) },
  tls_verify = { { true, false }, { { "false", "true or false" }, { 0, "true or false" }, { {}, "true or false" } } },
  proxy = { { "http://127.0.0.1:3128", "https://proxy:8443" },
    text(4096, { { "proxy:3128", "URL" }, { "socks5://h:1", "URL" }, { "http://a b", "URL" }, { "http://", "URL" } }) },
  http_version = { { "auto", "1.1", "2" }, choice("auto", "1.1", "2") },
  on_event = { { nothing }, { { "x", "must be a function" }, { {}, "must be a function" } } },
}

-- Options that need another one.
local COMPANION = { access_key_id = "access_key_secret", access_key_secret = "access_key_id",
  client_key = "client_cert" }

local function with(name, value)
  local given = { [name] = value }
  if COMPANION[name] then given[COMPANION[name]] = "fake" end
  if name == "security_token" then given.access_key_id, given.access_key_secret = "fake", "fake" end
  return given
end

describe("options", function()
  it("are all covered here", function()
    for _, rule in ipairs(options.aliyun.rules.list) do assert.is_table(CASES[rule.name], rule.name) end
    for name in pairs(CASES) do assert.is_table(options.aliyun.rules.by_name[name], name) end
  end)

  for name, case in pairs(CASES) do
    describe(name, function()
      for _, value in ipairs(case[1]) do
        it("accepts " .. show(value), function()
          assert.is_table(assert(iotmsg.new(with(name, value))))
          local settings = assert(options.aliyun:read(with(name, value)))
          assert.same(value, settings[name])
        end)
      end

      for i, refusal in ipairs(case[2]) do
        it(("refuses value %d, %s"):format(i, show(refusal[1])), function()
          local client, err = iotmsg.new(with(name, refusal[1]))
          refused(client, err, name, refusal[2])
        end)
        it(("refuses value %d for one call, %s"):format(i, show(refusal[1])), function()
          local client = assert(iotmsg.new(wire.options()))
          local params = with(name, refusal[1])
          params.product_key, params.topic_full_name, params.payload = "a1", "/a1/d/user/get", ""
          local request, err = client:prepare("pub", params)
          refused(request, err, name, refusal[2])
        end)
      end

      it("is taken away by false", function()
        if name == "tls_verify" or name == "max_qps" then return end -- there it is a value
        local settings = assert(options.aliyun:read { [name] = false })
        local bare = assert(options.aliyun:read {})
        assert.equal(bare[name], settings[name])
      end)
    end)
  end

  for name, nearest in pairs {
    acces_key_id = "access_key_id", AccessKeyId = "access_key_id", timeout = "timeout_ms",
      conect_timeout_ms = "connect_timeout_ms",
    Region = "region", end_point = "endpoint", max_qsp = "max_qps", tls_verfy = "tls_verify", retri = "retry",
  } do
    it(("suggests %s for %s"):format(nearest, name), function()
      local client, err = iotmsg.new { [name] = "x" }
      refused(client, err, name, "is not a known name", ('did you mean "%s"'):format(nearest))
    end)
  end

  it("suggests nothing for what is near to nothing", function()
    local client, err = iotmsg.new { colour_of_the_sky = "blue" }
    refused(client, err, "colour_of_the_sky", "is not a known name")
    assert.is_nil(err.message:find("did you mean", 1, true))
  end)

  it("are one table of named values", function()
    for _, value in ipairs { 1, "x", true } do
      local client, err = iotmsg.new(value)
      refused(client, err, "options", "must be a table, not " .. type(value))
    end
    local client, err = iotmsg.new { "v3" }
    refused(client, err, "1", "named values")
  end)

  it("name the operation that max_qps does not know", function()
    local client, err = iotmsg.new { max_qps = { pbu = 5 } }
    assert.is_nil(client, "an unknown name was dropped silently")
    assert.equal("invalid_argument", err.kind)
    assert.is_truthy(err.message:find("pub", 1, true))
    client, err = iotmsg.new { max_qps = { pub = "800" } }
    refused(client, err, "max_qps.pub")
  end)

  it("name the product whose endpoint is no string", function()
    local client, err = iotmsg.new { endpoint = { Iot = 1 } }
    refused(client, err, "endpoint.Iot")
  end)

  it("are read once: the caller's table may be changed", function()
    local given = wire.options { endpoint = { Iot = "first.example" }, max_qps = { pub = 1 } }
    local client = assert(iotmsg.new(given))
    given.endpoint.Iot, given.access_key_id, given.max_qps.pub = "second.example", "changed", "no number"
    local request = assert(client:prepare("pub", { product_key = "a1", topic_full_name = "/a1/d/user/get",
      payload = "" }))
    assert.equal("first.example", request.headers.host)
    assert.is_truthy(request.headers.authorization:find("Credential=LTAI-FAKE-0000000000,", 1, true))
  end)

  for _, pair in ipairs { { "access_key_id", "access_key_secret" }, { "access_key_secret", "access_key_id" },
    { "client_key", "client_cert" } } do
    it(("want %s with %s"):format(pair[2], pair[1]), function()
      local client, err = iotmsg.new { [pair[1]] = "fake-value" }
      refused(client, err, pair[2], "must be given with " .. pair[1])
    end)
  end

  it("do not drop a security_token that has no key", function()
    local client, err = iotmsg.new { security_token = "fake-token" }
    refused(client, err, "access_key_id")
  end)

  for _, name in ipairs { "access_key_secret", "security_token" } do
    it("do not repeat a " .. name .. " that is refused", function()
      for _, value in ipairs { 918273645, "918273645\n", ("918273645"):rep(10000) } do
        local client, err = iotmsg.new(with(name, value))
        assert.is_nil(client)
        assert.is_nil(tostring(err):find("918273645", 1, true), tostring(err))
        assert.is_nil(err.message:find("918273645", 1, true))
      end
    end)
  end

  it("have the documented defaults", function()
    local settings = assert(options.aliyun:read(nil))
    for name, value in pairs {
      signature = "v3", format = "json", timeout_ms = 15000, connect_timeout_ms = 5000, retry = "safe",
        max_attempts = 4,
      max_connections = 64, max_pending = 10000, max_pending_bytes = 64 * 1024 * 1024, tls_verify = true,
        http_version = "auto",
    } do
      assert.equal(value, settings[name], name)
    end
    assert.is_nil(settings.proxy)
  end)
end)

describe("options of one call", function()
  local function prepare(client_options, call_options)
    local client = assert(iotmsg.new(wire.options(client_options)))
    local params = { product_key = "a1", topic_full_name = "/a1/d/user/get", payload = "x", timestamp = 1709251199,
      nonce = "n" }
    for name, value in pairs(call_options or {}) do params[name] = value end
    local request = assert(client:prepare("pub", params))
    return request, client
  end

  it("lie over the client's, for this call only", function()
    local request, client = prepare(nil, { signature = "v1" })
    assert.is_truthy(request.url:find("SignatureMethod=HMAC-SHA1", 1, true))
    local after = assert(client:prepare("pub", { product_key = "a1", topic_full_name = "/a1/d/user/get",
      payload = "x" }))
    assert.is_truthy(after.headers.authorization:find("ACS3-HMAC-SHA256", 1, true))
  end)

  it("take an option away with false", function()
    assert.equal("iot-1", wire.query(prepare { iot_instance_id = "iot-1" }).IotInstanceId)
    assert.is_nil(wire.query(prepare({ iot_instance_id = "iot-1" }, { iot_instance_id = false })).IotInstanceId)
    assert.equal("iot-2", wire.query(prepare({ iot_instance_id = "iot-1" },
      { iot_instance_id = "iot-2" })).IotInstanceId)
    assert.equal("t", prepare { security_token = "t" }.headers["x-acs-security-token"])
    assert.is_nil(prepare({ security_token = "t" }, { security_token = false }).headers["x-acs-security-token"])
    assert.is_nil(prepare({ signature = "v1" }, { signature = false }).url:find("Signature", 1, true))
    assert.equal("application/json", prepare({ format = "xml" }, { format = false }).headers.accept)
    assert.is_truthy(prepare { proxy = "http://p:1" }:curl():find("--proxy", 1, true))
    assert.is_nil(prepare({ proxy = "http://p:1" }, { proxy = false }):curl():find("--proxy", 1, true))
  end)

  it("fall back on the region where the endpoint is taken away", function()
    local request = prepare({ region = "cn-beijing", endpoint = "h" }, { endpoint = false })
    assert.equal("iot.cn-beijing.aliyuncs.com", request.headers.host)
  end)

  it("switch certificate checks off only with tls_verify = false", function()
    assert.is_nil(prepare():curl():find("--insecure", 1, true))
    assert.is_truthy(prepare(nil, { tls_verify = false }):curl():find("--insecure", 1, true))
    assert.is_nil(prepare({ tls_verify = false }, { tls_verify = true }):curl():find("--insecure", 1, true))
  end)

  it("replace the client's keys as a whole", function()
    local request = prepare({ security_token = "t" }, { access_key_id = "other", access_key_secret = "fake" })
    assert.is_truthy(request.headers.authorization:find("Credential=other,", 1, true))
    assert.is_nil(request.headers["x-acs-security-token"])
    request = prepare({ security_token = "t" }, { credentials = function() return "provided", "fake" end })
    assert.is_truthy(request.headers.authorization:find("Credential=provided,", 1, true))
    assert.is_nil(request.headers["x-acs-security-token"])
    request = prepare({ access_key_id = false, access_key_secret = false, credentials = function() return "p",
      "s" end },
      { access_key_id = "other", access_key_secret = "fake" })
    assert.is_truthy(request.headers.authorization:find("Credential=other,", 1, true))
  end)
end)

describe("options from the environment", function()
  local SHOW = [[
    local settings = assert(require("iotmsg.options").aliyun:read(GIVEN))
    for _, name in ipairs { "endpoint", "region", "iot_instance_id", "ca_file" } do
      io.write(name, "=", tostring(settings[name]), " ")
    end
  ]]
  local ENV = { IOTMSG_ENDPOINT = "https://127.0.0.1:1", ALIBABA_CLOUD_REGION_ID = "cn-beijing",
    IOTMSG_IOT_INSTANCE_ID = "iot-env", IOTMSG_CA_FILE = "/ca.pem" }

  local function settings_of(given, env)
    local output, ok = child.run(SHOW:gsub("GIVEN", given), { env = env })
    assert.is_true(ok, output)
    return output
  end

  it("are read when nothing is given", function()
    assert.equal("endpoint=https://127.0.0.1:1 region=cn-beijing iot_instance_id=iot-env ca_file=/ca.pem ",
      settings_of("nil", ENV))
  end)

  it("yield to what is given", function()
    assert.equal("endpoint=h region=nil iot_instance_id=i ca_file=c ",
      settings_of('{ endpoint = "h", iot_instance_id = "i", ca_file = "c" }', ENV))
    assert.equal("endpoint=nil region=us-east-1 iot_instance_id=iot-env ca_file=/ca.pem ",
      settings_of('{ region = "us-east-1" }', ENV))
  end)

  it("are taken away by false", function()
    assert.equal("endpoint=nil region=nil iot_instance_id=nil ca_file=nil ",
      settings_of("{ endpoint = false, region = false, iot_instance_id = false, ca_file = false }", ENV))
  end)

  it("count as unset when empty", function()
    assert.equal("endpoint=nil region=nil iot_instance_id=nil ca_file=nil ",
      settings_of("nil", { IOTMSG_ENDPOINT = "", ALIBABA_CLOUD_REGION_ID = "", IOTMSG_IOT_INSTANCE_ID = "",
        IOTMSG_CA_FILE = "" }))
  end)
end)
