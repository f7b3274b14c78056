-- Prepared requests: the same bytes from the same table, on every Lua, and a curl line that hides what is secret.

local child = require "spec.support.child"
local iotmsg = require "iotmsg"
local process = require "spec.support.process"
local wire = require "spec.support.wire"

local TOKEN = "CAIS+fake/token=="

local function params(more)
  local values = {
    product_key = "a1Q5XoY", topic_full_name = "/a1Q5XoY/it's/user/get",
      payload = "it's \"quoted\" $HOME `id` \\ 你好\n",
    timestamp = 1709251199, nonce = "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
  }
  for name, value in pairs(more or {}) do values[name] = value end
  return values
end

local function prepare(more, options)
  local request, err = assert(iotmsg.new(wire.options(options))):prepare("pub", params(more))
  assert.is_nil(err, tostring(err))
  return request
end

-- The words that a shell makes of a command line; the line's curl is a function that shows its arguments.
local function words_of(line)
  local pipe = assert(io.popen("curl() { for word; do printf '%s\\n\\001' \"$word\"; done; }; " .. line, "r"))
  local text = pipe:read("*a")
  pipe:close()
  local words = {}
  for word in text:gmatch("([^\1]*)\n\1") do words[#words + 1] = word end
  return words
end

for _, signature in ipairs { "v3", "v1" } do
  describe("prepare with " .. signature, function()
    it("gives the same bytes twice", function()
      local first, second = prepare({}, { signature = signature }), prepare({}, { signature = signature })
      for _, name in ipairs { "method", "url", "body", "string_to_sign", "canonical_request" } do
        assert.equal(first[name], second[name])
      end
      assert.same(first.headers, second.headers)
      assert.equal(first:curl { reveal = true }, second:curl { reveal = true })
    end)

    it("gives other bytes for another time, nonce, payload or secret", function()
      local before = prepare({}, { signature = signature })
      local function differs(more, options)
        options = options or {}
        options.signature = signature
        assert.are_not.equal(before:curl { reveal = true }, prepare(more, options):curl { reveal = true })
      end
      differs { timestamp = 1709251200 }
      differs { nonce = "another" }
      differs { payload = "another" }
      differs({}, { access_key_secret = "fake-secret-000000000000000001" })
    end)

    it("has a time and a nonce of its own where none is given", function()
      local client = assert(iotmsg.new(wire.options { signature = signature }))
      local own = { product_key = "a1", topic_full_name = "/t", payload = "x" }
      local first, second = assert(client:prepare("pub", own)), assert(client:prepare("pub", own))
      local function nonce_of(request)
        return request.headers["x-acs-signature-nonce"] or wire.query(request).SignatureNonce
      end
      assert.is_truthy(#nonce_of(first) >= 32)
      assert.are_not.equal(nonce_of(first), nonce_of(second))
      local stamp = first.headers["x-acs-date"] or wire.query(first).Timestamp
      assert.is_truthy(stamp:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$"), stamp)
      assert.is_true(stamp >= os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - 60), stamp)
      assert.is_nil(own.timestamp)
    end)

    it("writes the time in the vendor's form", function()
      for seconds, text in pairs { [1709251199] = "2024-02-29T23:59:59Z", [0] = "1970-01-01T00:00:00Z",
        [1735689599] = "2024-12-31T23:59:59Z" } do
        local request = prepare({ timestamp = seconds }, { signature = signature })
        assert.equal(text, request.headers["x-acs-date"] or wire.query(request).Timestamp)
      end
    end)

    it("signs what it sends", function()
      local request = prepare({ user_properties = { a = "1" } }, { signature = signature, security_token = TOKEN })
      local query = wire.query(request)
      local signed
      if signature == "v1" then
        local all = wire.fields(request.body)
        for name, value in pairs(query) do
          if name ~= "Signature" then all[name] = value end
        end
        signed = iotmsg.sign.aliyun_v1 { method = request.method, params = all,
          access_key_secret = wire.OPTIONS.access_key_secret }
        assert.equal(query.Signature, signed.signature)
      else
        signed = iotmsg.sign.aliyun_v3 { method = request.method, path = "/", query = query, headers = request.headers,
          body = request.body, access_key_id = wire.OPTIONS.access_key_id,
            access_key_secret = wire.OPTIONS.access_key_secret }
        assert.equal(request.headers.authorization, signed.authorization)
        assert.equal(request.canonical_request, signed.canonical_request)
      end
      assert.equal(request.string_to_sign, signed.string_to_sign)
    end)

    it("has headers and an address without CR, LF or NUL", function()
      local request = prepare({}, { signature = signature, security_token = TOKEN })
      assert.is_nil(request.url:find("[%z\r\n ]"))
      for name, value in pairs(request.headers) do assert.is_nil((name .. value):find("[%z\r\n]")) end
    end)

    it("hides secret, token and signature in curl and shows them with reveal", function()
      local request = prepare({}, { signature = signature, security_token = TOKEN })
      local masked, revealed = request:curl(), request:curl { reveal = true }
      local mark = signature == "v1" and wire.query(request).Signature or request.headers.authorization:match("%x+$")
      for _, hidden in ipairs { TOKEN, wire.encode(TOKEN), mark, wire.encode(mark), wire.OPTIONS.access_key_secret } do
        assert.is_nil(masked:find(hidden, 1, true), hidden)
        assert.is_nil(tostring(request):find(hidden, 1, true))
      end
      assert.is_truthy(masked:find("***", 1, true))
      assert.is_truthy(revealed:find(signature == "v1" and wire.encode(mark) or mark, 1, true))
      assert.is_truthy(revealed:find(signature == "v1" and wire.encode(TOKEN) or TOKEN, 1, true))
      assert.is_nil(revealed:find(wire.OPTIONS.access_key_secret, 1, true))
      assert.equal(masked, request:curl {})
      assert.equal(masked, request:curl { reveal = false })
    end)

    it("is quoted so that a shell hands curl exactly the request", function()
      local request = prepare({ nonce = "it's $HOME `id` \"x\" \\" },
        { signature = signature, security_token = "it's a fake token", ca_file = "/tmp/it's ca.pem" })
      local words = words_of(request:curl { reveal = true })
      local seen, at = {}, { url = false, body = false, method = false }
      for i, word in ipairs(words) do
        if words[i - 1] == "-H" then
          local name, value = word:match("^([^:]+): (.*)$")
          seen[name] = value
        end
        at.url = at.url or word == request.url
        at.method = at.method or (words[i - 1] == "-X" and word == request.method)
        at.body = at.body or (words[i - 1] == "--data-binary" and word == request.body)
        at.ca_file = at.ca_file or (words[i - 1] == "--cacert" and word == "/tmp/it's ca.pem")
      end
      assert.same(request.headers, seen)
      assert.same({ url = true, method = true, body = true, ca_file = true }, at)
    end)

    it("hides a token with a quote in it", function()
      local token = "fake'token'with'quotes"
      local request = prepare({}, { signature = signature, security_token = token })
      local masked = request:curl()
      for _, part in ipairs { "fake'", "with", "token'" } do assert.is_nil(masked:find(part, 1, true), masked) end
    end)

    it("hides the proxy's password", function()
      local request = prepare({}, { signature = signature, proxy = "http://user:fakepassword@proxy.example:3128" })
      assert.is_nil(request:curl():find("fakepassword", 1, true), request:curl())
      assert.is_truthy(request:curl():find("proxy.example:3128", 1, true))
      assert.is_truthy(request:curl { reveal = true }:find("fakepassword", 1, true))
    end)
  end)
end

describe("prepare", function()
  it("puts parameters where the vendor's metadata has them", function()
    local request = prepare()
    assert.equal("POST", request.method)
    assert.is_truthy(request.url:find("^https://iot%.cn%-shanghai%.aliyuncs%.com/%?"))
    assert.equal("iot.cn-shanghai.aliyuncs.com", request.headers.host)
    assert.equal("Pub", request.headers["x-acs-action"])
    assert.equal("2018-01-20", request.headers["x-acs-version"])
    assert.equal("application/json", request.headers.accept)
    assert.equal("application/x-www-form-urlencoded", request.headers["content-type"])
    assert.is_truthy(request.canonical_request:find("^POST\n/\n"))
    assert.is_truthy(request.string_to_sign:find("^ACS3%-HMAC%-SHA256\n%x+$"))
    local query, names = wire.query(request)
    assert.same({ ProductKey = "a1Q5XoY", TopicFullName = "/a1Q5XoY/it's/user/get" }, query)
    assert.same({ "ProductKey", "TopicFullName" }, names)
    assert.same({ MessageContent = iotmsg.base64.encode(params().payload) }, (wire.fields(request.body)))
  end)

  it("adds the common parameters with V1", function()
    local request = prepare({}, { signature = "v1", security_token = TOKEN })
    local query, common = wire.v1_query(request)
    common.Signature = nil
    assert.same({ ProductKey = "a1Q5XoY", TopicFullName = "/a1Q5XoY/it's/user/get", SecurityToken = TOKEN }, query)
    assert.same({ Action = "Pub", Version = "2018-01-20", Format = "JSON", Timestamp = "2024-02-29T23:59:59Z",
      SignatureMethod = "HMAC-SHA1", SignatureVersion = "1.0", SignatureNonce = "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
      AccessKeyId = "LTAI-FAKE-0000000000" }, common)
    assert.is_nil(request.canonical_request)
  end)

  it("asks for XML with format = xml", function()
    assert.equal("application/xml", prepare({}, { format = "xml" }).headers.accept)
    assert.equal("XML", wire.query(prepare({}, { format = "xml", signature = "v1" })).Format)
  end)

  it("sends the region where it is known, with V1", function()
    local request = prepare({}, { signature = "v1", region = "cn-shanghai", endpoint = false })
    assert.equal("cn-shanghai", wire.query(request).RegionId)
  end)

  for _, case in ipairs {
    { "timestamp", "1709251199" }, { "timestamp", 1.5 }, { "timestamp", -1 }, { "timestamp", 2 ^ 53 },
      { "timestamp", 0 / 0 },
    { "nonce", 1 }, { "nonce", "" }, { "nonce", "a\r\nb" }, { "nonce", ("x"):rep(65) }, { "nonce", "\255" },
  } do
    it(("refuses %s = %s"):format(case[1], require("spec.support.show")(case[2])), function()
      local client = assert(iotmsg.new(wire.options()))
      local request, err = client:prepare("pub", params { [case[1]] = case[2] })
      require("spec.support.refusal")(request, err, case[1])
    end)
  end

  it("prints without what follows the host", function()
    assert.equal("iotmsg.Request: POST https://iot.cn-shanghai.aliyuncs.com/", tostring(prepare()))
  end)

  it("gives the same bytes on every Lua that the tree is built for", function()
    local code = [[
      local iotmsg = require "iotmsg"
      local properties, object = {}, {}
      for i = 1, 15 do properties["key " .. i] = "wert ü " .. i end
      for i = 40, 1, -1 do object["k" .. i] = { i, i / 10, i * 1e13, -i, 2 ^ 53, i * 1.0, 1e300 / i, true,
        "😀" .. i } end
      for _, signature in ipairs { "v1", "v3" } do
        for _, payload in ipairs { "bytes \0\1\255", object } do
          local client = assert(iotmsg.new { access_key_id = "LTAI-FAKE", access_key_secret = "fake",
            security_token = "t+/=",
            endpoint = "iot.cn-shanghai.aliyuncs.com", signature = signature })
          local request = assert(client:prepare("pub", { product_key = "a1", topic_full_name = "/a1/d/user/get",
            payload = payload,
            qos = 1.0, iot_instance_id = "iot-1", device_name = "d", response_topic = "/r", correlation_data = "\0\255",
            user_properties = properties, content_type = "text/plain", payload_format_indicator = 0,
            message_expiry_interval = 4294967295, retained = true, topic_alias = 65535.0, timestamp = 1709251199.0,
              nonce = "n" }))
          print(request.method, request.url, request.body, request.string_to_sign, request.canonical_request)
          print(request:curl(), request:curl { reveal = true })
        end
      end]]
    local built = child.built()
    assert.is_true(#built > 0, "nothing is built")
    local first
    for _, entry in ipairs(built) do
      local output, ok = child.run(code, entry)
      assert.is_true(ok, entry.lua .. ": " .. output)
      first = first or output
      assert.equal(first, output, entry.lua)
    end
    assert.is_true(#first > 5000)
  end)

  it("gives a line that a shell and curl run as it is", function()
    local emulator = require("spec.support.emulator").start { args = { "--quiet" } }
    local answers = {}
    for i, signature in ipairs { "v1", "v3" } do
      local client = assert(iotmsg.new { access_key_id = emulator.access_key_id,
        access_key_secret = emulator.access_key_secret,
        endpoint = emulator.endpoint, ca_file = emulator.ca_file, signature = signature })
      local request = assert(client:prepare("pub", { product_key = "a1FakePk000", payload = "it's \"here\"",
        topic_full_name = "/a1FakePk000/device1/user/get" }))
      answers[i] = process.output_of(request:curl { reveal = true } .. " --silent --show-error 2>&1")
    end
    emulator:stop()
    for _, answer in ipairs(answers) do assert.is_truthy(answer:find('"MessageId":%d+'), answer) end
  end)
end)
