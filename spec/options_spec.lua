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

-- Huawei's options of its own, and those whose values differ from Alibaba's.
local HUAWEI = {
  access_key_id = { { "FAKEAK" }, text(256) }, access_key_secret = { { "fake" }, text(1024) },
  security_token = { { "fake", ("x"):rep(32768) }, text(32768) },
  region = { { "cn-north-4" }, text(64, { { "cn north", "region id such as cn-north-4" } }) },
  endpoint = { { "iotda.cn-north-4.myhuaweicloud.com", "https://127.0.0.1:8443" },
    { { 1, "must be a host" }, { true, "must be a host" }, { { IoTDA = "h" }, "must be a host or a base URL" },
      { { Iot = "h" }, "must be a host or a base URL" }, { {}, "must be a host" } } },
  project_id = { { "0fake0project0id0000000000000000", "A-z_0" },
    text(128, { { "a b", "letters, digits, _ and -" }, { "a/b", "letters, digits, _ and -" } }) },
  instance_id = { { "fake-instance-0000" }, text(128) },
  auth_token = { { "fake", ("x"):rep(100000) }, text(100000) }, username = { { "user", "é" }, text(256) },
  password = { { "fake", "p ä$$\"'" }, text(1024) }, domain_name = { { "hw-fake" }, text(256) },
  iam_endpoint = { { "iam.cn-north-4.myhuaweicloud.com", "http://127.0.0.1:1" }, text(256) },
  derived = { { true, false }, { { "true", "true or false" }, { 1, "true or false" }, { {}, "true or false" } } },
  max_qps = { { 5, 0.5, false, { send = 5 }, { send = false } },
    { { "800", RATE }, { true, RATE }, { 0, RATE }, { nothing, RATE } } },
}

local HUAWEI_KEYS = { endpoint = "iotda.cn-north-4.myhuaweicloud.com", access_key_id = "FAKEAK",
  access_key_secret = "fake-sk", project_id = "p" }
local USER = { username = "user", password = "fake-password", domain_name = "domain" }

local function huawei_with(name, value)
  local given = {}
  if name == "access_key_id" or name == "access_key_secret" or name == "security_token" then
    given.access_key_id, given.access_key_secret = "fake", "fake"
  elseif USER[name] then
    for user_name, user_value in pairs(USER) do given[user_name] = user_value end
  end
  given[name] = value
  return given
end

describe("Huawei's options", function()
  it("are all covered here", function()
    local own = { auth_token = 1, username = 1, password = 1, domain_name = 1, iam_endpoint = 1, derived = 1,
      project_id = 1 }
    for _, rule in ipairs(options.huawei.rules.list) do
      assert.is_table(HUAWEI[rule.name] or not own[rule.name] and CASES[rule.name], rule.name)
    end
    for name in pairs(HUAWEI) do assert.is_table(options.huawei.rules.by_name[name], name) end
  end)

  for name, case in pairs(HUAWEI) do
    describe(name, function()
      for i, value in ipairs(case[1]) do
        it(("accepts value %d, %s"):format(i, show(value)), function()
          assert.is_table(assert(iotmsg.huawei.new(huawei_with(name, value))))
          assert.same(value, assert(options.huawei:read(huawei_with(name, value)))[name])
        end)
      end

      for i, refusal in ipairs(case[2]) do
        it(("refuses value %d, %s"):format(i, show(refusal[1])), function()
          local client, err = iotmsg.huawei.new(huawei_with(name, refusal[1]))
          refused(client, err, name, refusal[2])
        end)
      end

      it("is taken away by false", function()
        if name == "derived" or name == "max_qps" then return end -- there it is a value
        assert.is_nil(assert(options.huawei:read { [name] = false })[name])
      end)
    end)
  end

  for _, name in ipairs { "iot_instance_id", "signature", "format" } do
    it("have no " .. name, function()
      local client, err = iotmsg.huawei.new { [name] = "v3" }
      refused(client, err, name, "is not a known name")
    end)
  end

  for _, name in ipairs { "auth_token", "username", "password", "domain_name", "iam_endpoint", "derived", "project_id" }
  do
    it(("have %s, which Alibaba's have not"):format(name), function()
      local client, err = iotmsg.new { [name] = "x" }
      refused(client, err, name, "is not a known name")
    end)
  end

  for name, nearest in pairs { user_name = "username", Password = "password", domainname = "domain_name",
    iam_end_point = "iam_endpoint", authToken = "auth_token", derive = "derived", projectId = "project_id" } do
    it(("suggest %s for %s"):format(nearest, name), function()
      local client, err = iotmsg.huawei.new { [name] = "x" }
      refused(client, err, name, ('did you mean "%s"'):format(nearest))
    end)
  end

  for _, name in ipairs { "username", "password", "domain_name" } do
    it("want all three of username, password and domain_name: without " .. name, function()
      local given = {}
      for user_name, value in pairs(USER) do given[user_name] = user_name ~= name and value or nil end
      local client, err = iotmsg.huawei.new(given)
      refused(client, err, name, "must be given with")
    end)

    it(("do not drop a %s that stands alone"):format(name), function()
      local client, err = iotmsg.huawei.new { [name] = USER[name] }
      assert.is_nil(client)
      assert.equal("invalid_argument", err.kind)
      assert.is_nil(tostring(err):find("fake-password", 1, true))
    end)
  end

  for _, name in ipairs { "access_key_secret", "security_token", "auth_token", "password" } do
    it("do not repeat a " .. name .. " that is refused", function()
      for _, value in ipairs { 918273645, "918273645\n", ("918273645"):rep(20000) } do
        local client, err = iotmsg.huawei.new(huawei_with(name, value))
        assert.is_nil(client)
        assert.is_nil(tostring(err):find("918273645", 1, true), tostring(err))
        assert.is_nil(err.message:find("918273645", 1, true))
      end
    end)
  end

  it("have the documented defaults", function()
    local settings = assert(options.huawei:read(nil))
    for name, value in pairs { timeout_ms = 15000, connect_timeout_ms = 5000, retry = "safe", max_attempts = 4,
      max_connections = 64, max_pending = 10000, max_pending_bytes = 64 * 1024 * 1024, tls_verify = true,
      http_version = "auto" } do
      assert.equal(value, settings[name], name)
    end
    for _, name in ipairs { "derived", "max_qps", "signature", "format" } do assert.is_nil(settings[name], name) end
  end)

  it("name the operation that max_qps does not know", function()
    local client, err = iotmsg.huawei.new { max_qps = { pub = 5 } }
    refused(client, err, "max_qps.pub", "is no operation")
  end)

  it("come from the environment", function()
    local output, ok = child.run([[
      local settings = assert(require("iotmsg.options").huawei:read(nil))
      for _, name in ipairs { "endpoint", "region", "project_id", "iam_endpoint", "ca_file" } do
        io.write(name, "=", tostring(settings[name]), " ")
      end
    ]], { env = { IOTMSG_HUAWEI_ENDPOINT = "https://127.0.0.1:1", HUAWEICLOUD_SDK_PROJECT_ID = "p-env",
      HUAWEICLOUD_SDK_IAM_ENDPOINT = "http://127.0.0.1:2", IOTMSG_CA_FILE = "/ca.pem",
      IOTMSG_ENDPOINT = "https://no.example", ALIBABA_CLOUD_REGION_ID = "cn-beijing" } })
    assert.is_true(ok, output)
    assert.equal("endpoint=https://127.0.0.1:1 region=nil project_id=p-env iam_endpoint=http://127.0.0.1:2 "
      .. "ca_file=/ca.pem ", output)
  end)

  it("send with what the environment says alone", function()
    local output, ok = child.run([[
      local request = assert(require("iotmsg").huawei.prepare("send", { device_id = "d", payload = "x" }))
      io.write(request.url, " ", request.headers.authorization:match("Access=[^,]*"), " ",
        request.headers["x-security-token"])
    ]], { env = { IOTMSG_HUAWEI_ENDPOINT = "iotda.cn-north-4.myhuaweicloud.com", HUAWEICLOUD_SDK_PROJECT_ID = "p-env",
      HUAWEICLOUD_SDK_AK = "env-ak", HUAWEICLOUD_SDK_SK = "env-sk", HUAWEICLOUD_SDK_SECURITY_TOKEN = "env-token" } })
    assert.is_true(ok, output)
    assert.equal("https://iotda.cn-north-4.myhuaweicloud.com/v5/iot/p-env/devices/d/messages Access=env-ak env-token",
      output)
  end)

  it("say what to set where there are no credentials", function()
    local output, ok = child.run([[
      local res, err = require("iotmsg").huawei.send { device_id = "d", project_id = "p", payload = "x",
        region = "cn-north-4" }
      assert(not res and err.kind == "credentials" and err.outcome == "not_sent")
      io.write(tostring(err))
    ]])
    assert.is_true(ok, output)
    for _, words in ipairs { "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK", "auth_token", "username" } do
      assert.is_truthy(output:find(words, 1, true), output)
    end
  end)
end)

describe("Huawei's options of one call", function()
  local function prepare(client_options, call_options)
    local given = {}
    for _, source in ipairs { HUAWEI_KEYS, client_options or {} } do
      for name, value in pairs(source) do given[name] = value end
    end
    local params = { device_id = "d", payload = "x", message_id = "m", timestamp = 1709251199 }
    for name, value in pairs(call_options or {}) do params[name] = value end
    return assert(assert(iotmsg.huawei.new(given)):prepare("send", params))
  end

  local function caller_of(request)
    return request.headers["x-auth-token"] or request.headers.authorization:match("Access=([^,]*),")
  end

  local NO_KEYS = { access_key_id = false, access_key_secret = false, auth_token = "client-token" }

  it("replace the client's way to tell who calls", function()
    local function provide() return "provided", "fake" end
    local other = { access_key_id = "other", access_key_secret = "fake" }
    assert.equal("FAKEAK", caller_of(prepare()))
    assert.equal("call-token", caller_of(prepare(nil, { auth_token = "call-token" })))
    assert.equal("client-token", caller_of(prepare(NO_KEYS)))
    assert.equal("other", caller_of(prepare(NO_KEYS, other)))
    assert.equal("call-token", caller_of(prepare(NO_KEYS, { auth_token = "call-token" })))
    assert.equal("provided", caller_of(prepare(nil, { credentials = provide })))
    assert.equal("provided", caller_of(prepare(NO_KEYS, { credentials = provide })))
  end)

  it("replace a client's password by keys, a function or a token", function()
    local client = { access_key_id = false, access_key_secret = false, iam_endpoint = "http://127.0.0.1:1" }
    for name, value in pairs(USER) do client[name] = value end
    assert.equal("other", caller_of(prepare(client, { access_key_id = "other", access_key_secret = "fake" })))
    assert.equal("call-token", caller_of(prepare(client, { auth_token = "call-token" })))
    assert.equal("provided", caller_of(prepare(client, { credentials = function() return "provided", "fake" end })))
  end)

  -- A password is known to be used by the one thing that can be seen of it without a server: the refused endpoint.
  it("replace keys, a function and a token by a password", function()
    for _, client_options in ipairs { {}, NO_KEYS, { access_key_id = false, access_key_secret = false,
      credentials = function() return "provided", "fake" end } } do
      local given = { iam_endpoint = "no/endpoint" }
      for _, source in ipairs { HUAWEI_KEYS, client_options } do
        for name, value in pairs(source) do given[name] = value end
      end
      local params = { device_id = "d", payload = "x" }
      for name, value in pairs(USER) do params[name] = value end
      local request, err = assert(iotmsg.huawei.new(given)):prepare("send", params)
      refused(request, err, "iam_endpoint")
    end
  end)
end)
