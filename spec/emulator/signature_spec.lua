-- The emulator's own signature check against recordings of the vendors' SDKs, stage by stage.

local cjson = require "cjson"

local base64 = require "iotmsg.emulator.base64"
local clock = require "iotmsg.emulator.clock"
local percent = require "iotmsg.emulator.percent"
local signature = require "iotmsg.emulator.signature"

local function cases_of(name)
  local file = assert(io.open("spec/vectors/" .. name .. ".json", "rb"))
  local cases = cjson.decode(file:read("*a")).cases
  file:close()
  return cases
end

describe("the emulator's signature check", function()
  for _, case in ipairs(cases_of("aliyun_v1")) do
    it("agrees with V1 case " .. case.name, function()
      local args = case.args
      local given, string_to_sign = signature.v1(args.method, args.params, args.access_key_secret)
      assert.equal(case.expect.string_to_sign, string_to_sign)
      assert.equal(case.expect.signature, given)
    end)
  end

  for _, case in ipairs(cases_of("aliyun_v3")) do
    it("agrees with V3 case " .. case.name, function()
      local args = case.args
      local parts = assert(signature.parse_v3(case.expect.authorization))
      local given, string_to_sign, canonical_request =
        signature.v3(args, parts.signed_headers, args.access_key_secret)
      assert.equal(case.expect.canonical_request, canonical_request)
      assert.equal(case.expect.string_to_sign, string_to_sign)
      assert.equal(case.expect.signature, given)
      assert.equal(args.access_key_id, parts.access_key_id)
      assert.equal(given, parts.signature)
    end)
  end

  it("cannot verify a header that was not sent", function()
    local request = { method = "GET", path = "/", query = {}, headers = {}, body = "" }
    assert.is_nil(signature.v3(request, { "host" }, "secret"))
  end)

  it("joins a header that was sent several times, trimmed and in byte order", function()
    local headers = { ["x-acs-a"] = { " b", "a ", "B" } }
    local request = { method = "GET", path = "/", query = {}, headers = headers, body = "" }
    local _, _, canonical_request = signature.v3(request, { "x-acs-a" }, "secret")
    assert.truthy(canonical_request:find("\nx-acs-a:B,a,b\n", 1, true))
  end)

  it("reads no Authorization of another shape", function()
    for _, text in ipairs({ "", "Basic abc", "ACS3-HMAC-SHA256",
      "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b", "ACS3-HMAC-SHA256 Signature=00",
      "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=,Signature=00" }) do
      assert.is_nil(signature.parse_v3(text))
    end
  end)

  it("compares whole strings", function()
    assert.is_true(signature.equal("abc", "abc"))
    assert.is_true(signature.equal("", ""))
    for _, other in ipairs({ "abd", "ab", "abcd", "", "Abc" }) do
      assert.is_false(signature.equal("abc", other))
    end
  end)
end)

describe("percent-encoding in the emulator", function()
  it("leaves only the unreserved characters", function()
    assert.equal("AZaz09-_.~%20%2A%2B%2F%00%FF%E4%BD%A0", percent.encode("AZaz09-_.~ *+/\0\255\228\189\160"))
  end)

  it("decodes forms", function()
    local into = {}
    assert.is_true(percent.parse_form("a=1+2&b=%2B%00&&c&d=&e=x=y&%61b=3", into))
    assert.same({ a = "1 2", b = "+\0", c = "", d = "", e = "x=y", ab = "3" }, into)
  end)

  it("refuses broken escapes and repeated names", function()
    for _, text in ipairs({ "a=%", "a=%4", "a=%zz", "a=%4g", "%=1" }) do
      local ok, problem = percent.parse_form(text, {})
      assert.is_nil(ok)
      assert.equal("encoding", problem)
    end
    local _, problem, name = percent.parse_form("a=1&a=2", {})
    assert.equal("repeated", problem)
    assert.equal("a", name)
  end)
end)

describe("Base64 in the emulator", function()
  it("knows the examples of RFC 4648", function()
    local coded = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" }
    for length = 0, 6 do
      local plain = ("foobar"):sub(1, length)
      assert.equal(coded[length + 1], base64.encode(plain))
      assert.equal(plain, base64.decode(coded[length + 1]))
    end
  end)

  it("refuses what is not strict", function()
    for _, text in ipairs({ "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v=", "Z===", "====", "Zg==Zg==", "Zm 9",
      "Zm9\n", "Zm9-" }) do
      assert.is_nil(base64.decode(text), text)
    end
  end)
end)

describe("times in the emulator", function()
  it("reads what it writes", function()
    for _, text in ipairs({ "1970-01-01T00:00:00Z", "2000-02-29T12:34:56Z", "2024-02-29T23:59:59Z",
      "2025-03-01T00:00:00Z", "2100-02-28T23:59:59Z", "2100-03-01T00:00:00Z", "2038-01-19T03:14:08Z" }) do
      assert.equal(text, clock.iso(clock.parse_iso(text)))
    end
  end)

  it("refuses what is no time", function()
    for _, text in ipairs({ "", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z",
      "2024-01-01T24:00:00Z", "2024-01-01 00:00:00", "2024-01-01T00:00:00", "2024-01-01T00:00:00.000Z",
      "20240101T000000Z" }) do
      assert.is_nil(clock.parse_iso(text), text)
    end
  end)
end)
