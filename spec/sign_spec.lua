-- The signers against what the vendor's own SDKs put on the wire. Stages are compared in their order: the first
-- difference names the cause.

local cjson = require "cjson"
local refused = require "spec.support.refusal"
local sign = require("iotmsg").sign

local function cases_of(name)
  local file = assert(io.open("spec/vectors/" .. name .. ".json", "rb"))
  local cases = cjson.decode(file:read("*a")).cases
  file:close()
  assert(#cases > 0)
  return cases
end

local STAGES = {
  aliyun_v1 = { "string_to_sign", "signature" },
  aliyun_v3 = { "canonical_request", "string_to_sign", "signature", "authorization" },
  huawei_sdk_hmac_sha256 = { "canonical_request", "string_to_sign", "signature", "authorization" },
  huawei_v11_derived = { "canonical_request", "string_to_sign", "signature", "authorization" },
}

local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = copy(item) end
  return result
end

-- Both of Huawei's schemes are one function: region and service select.
local SIGNERS = { aliyun_v1 = sign.aliyun_v1, aliyun_v3 = sign.aliyun_v3, huawei_sdk_hmac_sha256 = sign.huawei,
  huawei_v11_derived = sign.huawei }

for name, stages in pairs(STAGES) do
  describe("sign, with the vectors " .. name, function()
    for _, case in ipairs(cases_of(name)) do
      it(case.name, function()
        local before = copy(case.args)
        local signed = assert(SIGNERS[name](case.args))
        for _, stage in ipairs(stages) do
          assert.is_string(case.expect[stage], "the vector has no " .. stage)
          assert.equal(case.expect[stage], signed[stage], stage)
        end
        for stage in pairs(case.expect) do assert.is_string(signed[stage], stage) end
        assert.same(before, case.args)
      end)
    end
  end)
end

describe("sign.aliyun_v1", function()
  local function input(more)
    local values = { method = "POST", params = { Action = "Pub" }, access_key_secret = "fake-secret" }
    for name, value in pairs(more or {}) do values[name] = value end
    return values
  end

  it("sorts by byte, upper case before _ before lower case, and a name before its longer ones", function()
    local signed = sign.aliyun_v1(input { params = { b = "1", B = "2", _ = "3", ["B.1"] = "4", ["B.10"] = "5",
      ["B.2"] = "6" } })
    assert.equal("POST&%2F&B%3D2%26B.1%3D4%26B.10%3D5%26B.2%3D6%26_%3D3%26b%3D1", signed.string_to_sign)
  end)

  it("encodes every byte but the unreserved ones, twice in the string to sign", function()
    local bytes = {}
    for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
    local once = table.concat(bytes):gsub("[^A-Za-z0-9_.~-]", function(char)
      return ("%%%02X"):format(char:byte())
    end)
    local signed = sign.aliyun_v1(input { params = { k = table.concat(bytes) } })
    assert.equal("POST&%2F&k%3D" .. once:gsub("%%", "%%25"), signed.string_to_sign)
  end)

  it("keeps an empty value and signs an empty set", function()
    assert.equal("POST&%2F&k%3D", sign.aliyun_v1(input { params = { k = "" } }).string_to_sign)
    assert.equal("POST&%2F&", sign.aliyun_v1(input { params = {} }).string_to_sign)
  end)

  for _, case in ipairs {
    { "method", 1 }, { "method", false }, { "access_key_secret", 1 }, { "access_key_secret", {} }, { "params", "a=b" },
    { "params", { Qos = 1 }, "params.Qos" }, { "params", { Retained = true }, "params.Retained" },
    { "params", { "Action" } },
  } do
    it(("refuses %s of type %s"):format(case[3] or case[1], type(case[2])), function()
      local signed, err = sign.aliyun_v1(input { [case[1]] = case[2] })
      refused(signed, err, case[3] or case[1])
    end)
  end

  for _, name in ipairs { "method", "access_key_secret" } do
    it("refuses to go without " .. name, function()
      local given = input()
      given[name] = nil
      local signed, err = sign.aliyun_v1(given)
      refused(signed, err, name, "must be a string, not nil")
    end)
  end

  it("keeps no state between calls", function()
    local first = sign.aliyun_v1(input())
    sign.aliyun_v1(input { access_key_secret = ("another "):rep(100) })
    assert.same(first, sign.aliyun_v1(input()))
  end)
end)

describe("sign.aliyun_v3", function()
  local function input(more)
    local values = {
      method = "POST", path = "/", query = { Action = "Pub" }, headers = { host = "h", ["x-acs-date"] = "d" },
      body = "", access_key_id = "id", access_key_secret = "fake-secret",
    }
    for name, value in pairs(more or {}) do values[name] = value end
    return values
  end

  it("signs host, content-type and x-acs-*, whatever their case, and nothing else", function()
    local signed = sign.aliyun_v3(input { headers = {
      Host = "h", ["Content-Type"] = "text/plain", ["X-Acs-Date"] = " d ", accept = "application/json",
      ["user-agent"] = "u", ["content-length"] = "1", ["x-ac"] = "y",
    } })
    assert.equal("ACS3-HMAC-SHA256 Credential=id,SignedHeaders=content-type;host;x-acs-date,Signature="
      .. signed.signature, signed.authorization)
    assert.equal("POST\n/\nAction=Pub\ncontent-type:text/plain\nhost:h\nx-acs-date:d\n\n"
      .. "content-type;host;x-acs-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      signed.canonical_request)
  end)

  it("takes an array where a name repeats", function()
    local signed = sign.aliyun_v3(input { query = { a = { "2", "1" }, b = "3" } })
    assert.equal("a=1&a=2&b=3", signed.canonical_request:match("^POST\n/\n([^\n]*)\n"))
  end)

  it("hashes the bytes of the body", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      sign.aliyun_v3(input { body = "abc" }).canonical_request:match("[^\n]*$"))
  end)

  for _, case in ipairs {
    { "method", 1 }, { "path", 1 }, { "body", {} }, { "body", 1 }, { "access_key_id", 1 }, { "access_key_secret", 1 },
    { "query", "a=b" }, { "query", { Qos = 1 }, "query.Qos" }, { "query", { a = { "1", 2 } }, "query.a" },
    { "headers", "host: h" }, { "headers", { host = 1 }, "headers.host" }, { "headers", { "host" } },
  } do
    it(("refuses %s of type %s"):format(case[3] or case[1], type(case[2])), function()
      local signed, err = sign.aliyun_v3(input { [case[1]] = case[2] })
      refused(signed, err, case[3] or case[1])
    end)
  end

  for _, name in ipairs { "method", "access_key_id", "access_key_secret" } do
    it("refuses to go without " .. name, function()
      local given = input()
      given[name] = nil
      local signed, err = sign.aliyun_v3(given)
      refused(signed, err, name, "must be a string, not nil")
    end)
  end

  it("says nothing of a secret in an error", function()
    local _, err = sign.aliyun_v3(input { access_key_secret = { "fake-secret" } })
    assert.is_nil(tostring(err):find("fake-secret", 1, true))
  end)
end)

describe("sign.huawei", function()
  local function input(more)
    local values = {
      method = "POST", path = "/v5/iot/p/devices/d/messages", query = {},
      headers = { host = "h", ["x-sdk-date"] = "20240229T235959Z" }, body = "{}", access_key_id = "id",
      access_key_secret = "fake-secret",
    }
    for name, value in pairs(more or {}) do values[name] = value end
    return values
  end

  local function canonical(more)
    return assert(sign.huawei(input(more))).canonical_request
  end

  it("signs every header it is given, whatever its case", function()
    local signed = assert(sign.huawei(input { headers = { Host = "h", ["X-Sdk-Date"] = "20240229T235959Z",
      ["Content-Type"] = " application/json ", accept = "a", ["x-project-id"] = "p" } }))
    assert.equal("SDK-HMAC-SHA256 Access=id, SignedHeaders=accept;content-type;host;x-project-id;x-sdk-date, Signature="
      .. signed.signature, signed.authorization)
    assert.equal("POST\n/v5/iot/p/devices/d/messages/\n\naccept:a\ncontent-type:application/json\nhost:h\n"
      .. "x-project-id:p\nx-sdk-date:20240229T235959Z\n\naccept;content-type;host;x-project-id;x-sdk-date\n"
      .. "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", signed.canonical_request)
    assert.equal("SDK-HMAC-SHA256\n20240229T235959Z\n", signed.string_to_sign:sub(1, 33))
  end)

  it("derives the key for region and service", function()
    local signed = assert(sign.huawei(input { region = "cn-north-4", service = "iotdm" }))
    assert.equal("V11-HMAC-SHA256 Credential=id/20240229/cn-north-4/iotdm, SignedHeaders=host;x-sdk-date, Signature="
      .. signed.signature, signed.authorization)
    local plain = assert(sign.huawei(input()))
    assert.equal(plain.canonical_request, signed.canonical_request)
    assert.not_equal(plain.signature, signed.signature)
    for _, other in ipairs { { region = "cn-north-1", service = "iotdm" }, { region = "cn-north-4", service = "x" } } do
      assert.not_equal(signed.signature, sign.huawei(input(other)).signature)
    end
  end)

  it("ends the path with a slash and encodes its segments", function()
    for path, wanted in pairs { ["/"] = "/", ["/a"] = "/a/", ["/a/"] = "/a/", ["/a b/~é"] = "/a%20b/~%C3%A9/" } do
      assert.equal(wanted, canonical({ path = path }):match("^POST\n([^\n]*)\n"))
    end
  end)

  it("leaves path, query and body out where they are not given", function()
    local given = input()
    given.path, given.query, given.body = nil, nil, nil
    assert.equal("POST\n/\n\nhost:h\nx-sdk-date:20240229T235959Z\n\nhost;x-sdk-date\n"
      .. "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      assert(sign.huawei(given)).canonical_request)
  end)

  it("sorts the query and the values of a name that repeats", function()
    assert.equal("A=1&a=1&a=2&b=", canonical({ query = { b = "", a = { "2", "1" }, A = "1" } })
      :match("^POST\n[^\n]*\n([^\n]*)\n"))
  end)

  for _, case in ipairs {
    { "method", 1 }, { "path", 1 }, { "path", false }, { "body", {} }, { "body", 1 }, { "access_key_id", 1 },
    { "access_key_secret", 1 }, { "query", "a=b" }, { "query", { Qos = 1 }, "query.Qos" },
    { "query", { a = { "1", 2 } }, "query.a" }, { "headers", "host: h" }, { "headers", { host = 1 }, "headers.host" },
    { "headers", { "host" } }, { "region", 1 }, { "region", "cn-north-4", "service" }, { "service", "iotdm", "region" },
    { "service", true, "region" }, { "headers", { ["x-sdk-date"] = 20240229 }, "headers.x-sdk-date" },
  } do
    it(("refuses %s = %s alone"):format(case[1], tostring(case[2]):gsub(" ?0x.*", "")), function()
      local signed, err = sign.huawei(input { [case[1]] = case[2] })
      refused(signed, err, case[3] or case[1])
    end)
  end

  for _, name in ipairs { "method", "access_key_id", "access_key_secret" } do
    it("refuses to go without " .. name, function()
      local given = input()
      given[name] = nil
      local signed, err = sign.huawei(given)
      refused(signed, err, name, "must be a string, not nil")
    end)
  end

  for what, headers in pairs {
    ["no headers"] = false, ["no date"] = { host = "h" }, ["another date"] = { host = "h", date = "20240229T235959Z" },
    ["an empty date"] = { ["x-sdk-date"] = "" }, ["a date as the RPC actions have it"] = { ["x-sdk-date"] =
      "2024-02-29T23:59:59Z" }, ["a date without time"] = { ["x-sdk-date"] = "20240229" },
    ["a date without Z"] = { ["x-sdk-date"] = "20240229T235959" }, ["two dates"] = { ["x-sdk-date"] =
      { "20240229T235959Z", "20240229T235958Z" } }, ["a line break"] = { ["x-sdk-date"] = "20240229T235959Z\n" },
  } do
    for _, scope in ipairs { {}, { region = "cn-north-4", service = "iotdm" } } do
      it(("refuses %s%s"):format(what, scope.region and ", derived" or ""), function()
        local given = input(scope)
        given.headers = headers or nil
        local signed, err = sign.huawei(given)
        refused(signed, err, "headers", "x-sdk-date as YYYYMMDDTHHMMSSZ")
      end)
    end
  end

  it("says nothing of a secret in an error", function()
    local _, err = sign.huawei(input { access_key_secret = { "fake-secret" } })
    assert.is_nil(tostring(err):find("fake-secret", 1, true))
    _, err = sign.huawei(input { headers = {} })
    assert.is_nil(tostring(err):find("fake-secret", 1, true))
  end)

  it("keeps no state between calls", function()
    local first = sign.huawei(input())
    sign.huawei(input { region = "cn-north-4", service = "iotdm", access_key_secret = ("another "):rep(100) })
    assert.same(first, sign.huawei(input()))
  end)
end)
