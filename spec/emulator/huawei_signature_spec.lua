-- The emulator's check of Huawei's signatures against recordings of the vendor's SDKs, stage by stage.

local cjson = require "cjson"

local signature = require "iotmsg.emulator.huawei.signature"

local function cases_of(name)
  local file = assert(io.open("spec/vectors/" .. name .. ".json", "rb"))
  local cases = cjson.decode(file:read("*a")).cases
  file:close()
  return cases
end

describe("the emulator's check of Huawei's signatures", function()
  for _, name in ipairs({ "huawei_sdk_hmac_sha256", "huawei_v11_derived" }) do
    for _, case in ipairs(cases_of(name)) do
      it("agrees with case " .. case.name, function()
        local args = case.args
        local parts = assert(signature.parse(case.expect.authorization))
        local given, string_to_sign, canonical = signature.compute(args, parts, args.access_key_secret)
        assert.equal(case.expect.canonical_request, canonical)
        assert.equal(case.expect.string_to_sign, string_to_sign)
        assert.equal(case.expect.signature, given)
        assert.equal(given, parts.signature)
        assert.equal(args.access_key_id, parts.access_key_id)
        assert.equal(args.region, parts.region)
        assert.equal(args.service, parts.service)
      end)
    end
  end

  local parts = signature.parse("SDK-HMAC-SHA256 Access=a, SignedHeaders=x-sdk-date, Signature=00")

  it("decodes a percent-encoded path once", function()
    local request = { method = "GET", path = "/v5/a%20b%2f", query = {}, headers = { ["x-sdk-date"] = "d" }, body = "" }
    local _, _, canonical = signature.compute(request, parts, "s")
    assert.equal("GET\n/v5/a%20b/\n", canonical:sub(1, 15))
  end)

  it("takes an unsigned payload at its word", function()
    local headers = { ["x-sdk-date"] = "d", ["x-sdk-content-sha256"] = "UNSIGNED-PAYLOAD" }
    local request = { method = "POST", path = "/", query = {}, headers = headers, body = "anything" }
    local _, _, canonical = signature.compute(request, parts, "s")
    assert.equal("UNSIGNED-PAYLOAD", canonical:match("[^\n]*$"))
  end)

  it("cannot verify a header that was not sent or sent twice", function()
    for _, headers in ipairs({ {}, { ["x-sdk-date"] = { "a", "b" } } }) do
      assert.is_nil(signature.compute({ method = "GET", path = "/", query = {}, headers = headers, body = "" }, parts,
        "s"))
    end
  end)

  it("reads no Authorization of another shape", function()
    for _, text in ipairs({ "", "Basic abc", "SDK-HMAC-SHA256", "SDK-HMAC-SHA256 Access=a, Signature=00",
      "SDK-HMAC-SHA256 Credential=a/1/b/c, SignedHeaders=a, Signature=00",
      "V11-HMAC-SHA256 Access=a, SignedHeaders=a, Signature=00",
      "V11-HMAC-SHA256 Credential=a/b, SignedHeaders=a, Signature=00" }) do
      assert.is_nil(signature.parse(text))
    end
  end)
end)
