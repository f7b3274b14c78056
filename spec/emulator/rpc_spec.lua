-- The RPC front door: every refusal, in the vendor's shapes, as JSON and XML, for both signatures.

local client = require "spec.support.rpc_client"
local start_emulator = require("spec.support.emulator").start

local FORM = { ["content-type"] = "application/x-www-form-urlencoded" }

local function query_params(more)
  local params = { ProductKey = "a1FakePk000", TopicFullName = "/a1FakePk000/device1/user/get" }
  for name, value in pairs(more or {}) do
    params[name] = value or nil
  end
  return params
end

local function all_params(more)
  local params = query_params(more)
  if not more or more.MessageContent == nil then
    params.MessageContent = "aGVsbG8="
  end
  for name, value in pairs(more or {}) do
    if value == false then
      params[name] = false
    end
  end
  return params
end

local function assert_gateway_error(answer, status, code)
  assert.equal(status, answer.status, answer.body)
  assert.equal(code, answer.json.Code, answer.body)
  assert.is_string(answer.json.Message)
  assert.is_string(answer.json.HostId)
  assert.is_string(answer.json.Recommend)
  assert.truthy(answer.json.RequestId:find("^%x+%-%x+%-4%x+%-[89AB]%x+%-%x+$"))
  assert.equal(answer.json.RequestId:upper(), answer.json.RequestId)
  assert.equal(answer.json.RequestId, answer.headers:get("x-acs-request-id"))
  assert.is_nil(answer.json.Success)
end

describe("the RPC front door", function()
  local emulator

  setup(function()
    emulator = start_emulator()
  end)

  teardown(function()
    emulator:stop()
  end)

  describe("with V1", function()
    for name, options in pairs({
      ["POST, parameters in the form"] = {}, ["POST, parameters in the query"] = { in_query = true },
      GET = { method = "GET" },
    }) do
      it("accepts " .. name, function()
        local answer = client.v1(emulator, all_params(), options)
        assert.is_true(answer.json.Success, answer.body)
      end)
    end

    local refusals = {
      { "400", "MissingAction", { Action = false } },
      { "400", "MissingVersion", { Version = "" } },
      { "400", "InvalidVersion", { Version = "2018-01-21" } },
      { "404", "InvalidApi.NotFound", { Action = "pub" } },
      { "400", "MissingAccessKeyId", { AccessKeyId = false } },
      { "400", "MissingSignature", { Signature = false } },
      { "400", "MissingSignatureMethod", { SignatureMethod = false } },
      { "400", "MissingSignatureVersion", { SignatureVersion = false } },
      { "400", "MissingSignatureNonce", { SignatureNonce = "" } },
      { "400", "MissingTimestamp", { Timestamp = false } },
      { "400", "InvalidSignatureMethod", { SignatureMethod = "HMAC-MD5" } },
      { "400", "IncompleteSignature", { SignatureVersion = "2.0" } },
      { "404", "InvalidAccessKeyId.NotFound", { AccessKeyId = "stranger" } },
      { "400", "InvalidTimeStamp.Format", { Timestamp = "now" } },
      { "400", "InvalidTimeStamp.Expired", { Timestamp = client.timestamp(-16 * 60) } },
      { "400", "InvalidTimeStamp.Expired", { Timestamp = client.timestamp(16 * 60) } },
      { "400", "SignatureDoesNotMatch", { Signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" } },
      { "400", "InvalidSecurityToken.MismatchWithAccessKey", { SecurityToken = "unknown" } },
      { "400", "MissingProductKey", { ProductKey = false } },
      { "400", "MissingTopicFullName", { TopicFullName = false } },
      { "400", "MissingMessageContent", { MessageContent = false } },
      { "400", "InvalidParameter", { Unknown = "x" } },
      { "400", "InvalidParameter", { QoS = "1" } },
      { "400", "InvalidParameter", { ["Qos.1"] = "1" } },
      { "400", "InvalidParameter.Qos", { Qos = "one" } },
    }
    for _, refusal in ipairs(refusals) do
      it("answers " .. refusal[1] .. " " .. refusal[2] .. " to " .. next(refusal[3]), function()
        assert_gateway_error(client.v1(emulator, all_params(refusal[3])), refusal[1], refusal[2])
      end)
    end

    it("refuses a secret that differs in one byte", function()
      local answer = client.v1(emulator, all_params(), { secret = "emulator-secreu" })
      assert_gateway_error(answer, "400", "SignatureDoesNotMatch")
      assert.truthy(answer.json.Message:find("string to sign is:POST&%2F&AccessKeyId", 1, true))
    end)

    it("refuses a changed parameter", function()
      local params = all_params({ SignatureNonce = client.nonce() })
      params.Signature = "x"
      assert_gateway_error(client.v1(emulator, params), "400", "SignatureDoesNotMatch")
    end)

    it("refuses a nonce used before, and only then", function()
      local nonce = client.nonce()
      assert.is_true(client.v1(emulator, all_params({ SignatureNonce = nonce })).json.Success)
      local again = client.v1(emulator, all_params({ SignatureNonce = nonce }))
      assert_gateway_error(again, "400", "SignatureNonceUsed")
      assert.is_true(client.v1(emulator, all_params({ SignatureNonce = nonce .. "2" })).json.Success)
    end)

    it("does not let a wrong signature use a nonce up", function()
      local nonce = client.nonce()
      client.v1(emulator, all_params({ SignatureNonce = nonce }), { secret = "wrong" })
      assert.is_true(client.v1(emulator, all_params({ SignatureNonce = nonce })).json.Success)
    end)

    it("accepts fourteen minutes of skew", function()
      for _, skew in ipairs({ -14 * 60, 14 * 60 }) do
        assert.is_true(client.v1(emulator, all_params({ Timestamp = client.timestamp(skew) })).json.Success)
      end
    end)

    it("tolerates RegionId and the SDKs' header", function()
      assert.is_true(client.v1(emulator, all_params({ RegionId = "cn-shanghai" })).json.Success)
    end)

    it("refuses other methods, in the vendor's shape", function()
      local answer = client.v1(emulator, all_params(), { method = "PUT" })
      assert_gateway_error(answer, "400", "UnsupportedHTTPMethod")
    end)
  end)

  describe("with V3", function()
    local function v3(query_more, options)
      return client.v3(emulator, query_params(query_more), { MessageContent = "aGVsbG8=" }, options)
    end

    it("accepts POST with the message in the form", function()
      assert.is_true(v3().json.Success)
    end)

    it("accepts GET with everything in the query", function()
      local query = query_params({ MessageContent = "aGVsbG8=" })
      local answer = client.v3(emulator, query, nil, { method = "GET" })
      assert.is_true(answer.json.Success)
    end)

    it("accepts further x-acs- headers when they are signed", function()
      assert.is_true(v3(nil, { headers = { ["x-acs-credentials-provider"] = "static_ak" } }).json.Success)
    end)

    local function drop(unwanted)
      return function(names)
        local kept = {}
        for _, name in ipairs(names) do
          if name ~= unwanted then
            kept[#kept + 1] = name
          end
        end
        return kept
      end
    end

    local refusals = {
      { "400", "MissingAction", { headers = { ["x-acs-action"] = false } } },
      { "400", "MissingVersion", { headers = { ["x-acs-version"] = false } } },
      { "400", "InvalidVersion", { headers = { ["x-acs-version"] = "1" } } },
      { "404", "InvalidApi.NotFound", { headers = { ["x-acs-action"] = "PUB" } } },
      { "400", "Missingx-acs-date", { headers = { ["x-acs-date"] = false } } },
      { "400", "Missingx-acs-signature-nonce", { headers = { ["x-acs-signature-nonce"] = false } } },
      { "400", "Missingx-acs-content-sha256", { headers = { ["x-acs-content-sha256"] = false } } },
      { "400", "InvalidTimeStamp.Format", { headers = { ["x-acs-date"] = "20240101T000000Z" } } },
      { "400", "InvalidTimeStamp.Expired", { headers = { ["x-acs-date"] = client.timestamp(-16 * 60) } } },
      {
        "400", "InvalidSecurityToken.MismatchWithAccessKey", { headers = { ["x-acs-security-token"] = "t" } },
      },
      { "404", "InvalidAccessKeyId.NotFound", { access_key_id = "stranger" } },
      { "400", "SignatureDoesNotMatch", { secret = "emulator-secreu" } },
      { "400", "SignatureDoesNotMatch", { headers = { ["x-acs-content-sha256"] = ("0"):rep(64) } } },
      { "400", "IncompleteSignature", { authorization = "ACS3-HMAC-SHA256 nonsense" } },
      { "400", "IncompleteSignature", { signed = drop("x-acs-action") } },
      { "400", "IncompleteSignature", { signed = drop("host") } },
      { "400", "IncompleteSignature", { signed = drop("content-type") } },
      { "400", "IncompleteSignature", { authorization = "Bearer token" } },
    }
    for index, refusal in ipairs(refusals) do
      it(("answers %s %s (%d)"):format(refusal[1], refusal[2], index), function()
        local answer = v3({ Format = "JSON" }, refusal[3])
        assert_gateway_error(answer, refusal[1], refusal[2])
      end)
    end

    it("refuses signed headers out of order or twice", function()
      for _, change in ipairs({
        function(names)
          names[1], names[2] = names[2], names[1]
          return names
        end,
        function(names)
          table.insert(names, 2, names[1])
          return names
        end,
      }) do
        assert_gateway_error(v3(nil, { signed = change }), "400", "IncompleteSignature")
      end
    end)

    it("refuses a nonce used before", function()
      local options = { headers = { ["x-acs-signature-nonce"] = client.nonce() } }
      assert.is_true(v3(nil, options).json.Success)
      assert_gateway_error(v3(nil, options), "400", "SignatureNonceUsed")
    end)

    it("shows what it signed when the signature differs", function()
      local message = v3(nil, { secret = "wrong" }).json.Message
      assert.truthy(message:find("ACS3-HMAC-SHA256\n", 1, true))
      assert.truthy(message:find("x-acs-action:Pub", 1, true))
    end)

    it("refuses query parameters in the form", function()
      local form = { MessageContent = "aGVsbG8=", Qos = "1" }
      assert_gateway_error(client.v3(emulator, query_params(), form), "400", "InvalidParameter.Qos")
    end)

    it("refuses unknown and missing parameters", function()
      assert_gateway_error(v3({ Action = "Pub" }), "400", "InvalidParameter")
      assert_gateway_error(v3({ ProductKey = false }), "400", "MissingProductKey")
    end)
  end)

  describe("as XML", function()
    it("is what V1 gets without Format", function()
      local answer = client.v1(emulator, all_params({ Format = false }))
      assert.equal("200", answer.status)
      assert.truthy(answer.headers:get("content-type"):find("^text/xml"))
      assert.truthy(answer.body:find("<PubResponse><RequestId>[%x-]+</RequestId><Success>true</Success>"
        .. "<MessageId>%d+</MessageId></PubResponse>$"))
    end)

    it("is what V3 gets without accept: application/json", function()
      local options = { headers = { accept = "*/*" } }
      local answer = client.v3(emulator, query_params(), { MessageContent = "aGVsbG8=" }, options)
      assert.truthy(answer.body:find("<PubResponse>", 1, true))
    end)

    it("carries business errors", function()
      local answer = client.v1(emulator, all_params({ Format = "XML", MessageContent = "?" }))
      assert.equal("200", answer.status)
      assert.truthy(answer.body:find("<PubResponse><RequestId>[%x-]+</RequestId><Success>false</Success>"
        .. "<Code>iot.messagebroker.MessageContentIsNotBase64Encode</Code><ErrorMessage>"))
    end)

    it("carries gateway errors, escaped", function()
      local answer = client.v1(emulator, all_params({ Format = "xml", ["<&>"] = "x" }))
      assert.equal("400", answer.status)
      assert.truthy(answer.body:find("<Error><RequestId>[%x-]+</RequestId><HostId>127.0.0.1:%d+</HostId>"
        .. "<Code>InvalidParameter</Code><Message>The parameter &lt;&amp;&gt; is not known"))
    end)

    it("is not chosen by a Format nobody knows", function()
      local answer = client.v1(emulator, all_params({ Format = "YAML" }))
      assert.equal("400", answer.status)
      assert.truthy(answer.body:find("<Code>InvalidParameter.Format</Code>", 1, true))
    end)
  end)

  describe("with broken requests", function()
    it("refuses broken percent-encoding and repeated parameters", function()
      for _, body in ipairs({ "Format=JSON&a=%zz", "Format=JSON&a=1&a=2", "Format=JSON&=%" }) do
        local answer = client.send(emulator, { method = "POST", headers = FORM, body = body })
        assert.equal("400", answer.status)
        assert.truthy(answer.body:find("InvalidParameter", 1, true))
      end
    end)

    it("refuses a parameter given in query and form", function()
      local answer = client.send(emulator, {
        method = "POST", headers = FORM, body = "Format=JSON&a=1", target = "/?a=1",
      })
      assert_gateway_error(answer, "400", "InvalidParameter")
    end)

    it("knows no other paths", function()
      local answer = client.send(emulator, { target = "/v4/iot" })
      assert_gateway_error(answer, "404", "InvalidApi.NotFound")
    end)
  end)
end)

describe("an emulator that demands a token", function()
  local emulator

  setup(function()
    emulator = start_emulator({
      args = {
        "--security-token", "the-token+/=", "--access-key-id", "STS.key",
        "--access-key-secret", "its 'secret'",
      },
    })
  end)

  teardown(function()
    emulator:stop()
  end)

  it("announces what it was told, quoted for a shell", function()
    assert.equal("the-token+/=", emulator.security_token)
    assert.equal("STS.key", emulator.access_key_id)
    assert.equal("its 'secret'", emulator.access_key_secret)
  end)

  it("accepts it with both signatures", function()
    assert.is_true(client.v1(emulator, all_params()).json.Success)
    assert.is_true(client.v3(emulator, query_params(), { MessageContent = "aGVsbG8=" }).json.Success)
  end)

  it("refuses a call without it, or with another", function()
    assert_gateway_error(client.v1(emulator, all_params({ SecurityToken = false })), "400",
      "MissingSecurityToken")
    assert_gateway_error(client.v1(emulator, all_params({ SecurityToken = "other" })), "400",
      "InvalidSecurityToken.MismatchWithAccessKey")
  end)

  it("never shows token, secret or signature, in replies or in the log", function()
    local v1 = client.v1(emulator, all_params({ Signature = "c2lnbmF0dXJl" }))
    local v3 = client.v3(emulator, query_params(), { MessageContent = "aGVsbG8=" }, { secret = "wrong" })
    assert_gateway_error(v1, "400", "SignatureDoesNotMatch")
    assert_gateway_error(v3, "400", "SignatureDoesNotMatch")
    for _, text in ipairs({ v1.body, v3.body, emulator:log() }) do
      for _, hidden in ipairs({ "the-token", "its 'secret'", "c2lnbmF0dXJl" }) do
        assert.is_nil(text:find(hidden, 1, true))
      end
    end
    assert.truthy(emulator:log():find("Pub 400 SignatureDoesNotMatch\n", 1, true))
    assert.truthy(emulator:log():find("Pub 200 %d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d\n"))
  end)
end)
