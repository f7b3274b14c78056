-- The same call made by a vendor's SDK and by iotmsg, side by side: which parameters, with which values, in query,
-- form or headers, and which signature. What differs is named here, with the reason.

local cjson = require "cjson"
local digest = require "openssl.digest"
local hmac = require "openssl.hmac"

local iotmsg = require "iotmsg"
local operations = require "spec.interop.operations"
local own_operations = require("iotmsg.family").aliyun.operations
local process = require "spec.support.process"
local wire = require "spec.support.wire"

local KEY = { access_key_id = "LTAI-FAKE-0000000000", access_key_secret = "fake-secret-000000000000000000" }
local TOKEN = "FAKE/sts+token=="
local START_TIMEOUT_S = 10

-- Signed like every x-acs-* header, but it tells only where the SDK found its key.
local SDK_HEADERS_ALONE = { "x-acs-credentials-provider" }
local V3_HEADERS = "^x%-acs%-"

local V1_COMMON = { "Action", "Version", "Timestamp", "SignatureMethod", "SignatureVersion", "SignatureNonce",
  "AccessKeyId", "SecurityToken", "Signature", "Format" }

local function map_of(list)
  local map = {}
  for _, pair in ipairs(list) do
    assert.is_nil(map[pair[1]], "sent twice: " .. pair[1])
    map[pair[1]] = pair[2]
  end
  return map
end

local function merged(left, right)
  local union = {}
  for name, value in pairs(left) do union[name] = value end
  for name, value in pairs(right) do
    assert.is_nil(union[name], "in query and form: " .. name)
    union[name] = value
  end
  return union
end

local function take(map, names)
  local taken = {}
  for _, name in ipairs(names) do taken[name], map[name] = map[name], nil end
  return taken
end

local function unix_seconds(iso)
  local year, month, day, hour, min, sec = iso:match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)Z$")
  local as_local = os.time { year = year, month = month, day = day, hour = hour, min = min, sec = sec, isdst = false }
  local utc = os.date("!*t", as_local)
  utc.isdst = false
  return as_local + (as_local - os.time(utc))
end

local function sha256_hex(bytes)
  return (digest.new("sha256"):final(bytes):gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

local function hmac_hex(key, bytes)
  return (hmac.new(key, "sha256"):final(bytes):gsub(".", function(char) return ("%02x"):format(char:byte()) end))
end

-- The V3 signature of iotmsg's own canonical request with some more headers put in, for SDKs that sign more of them.
local function signature_with(canonical_request, headers, names)
  local head, lines, signed, hash = canonical_request:match("^([^\n]*\n[^\n]*\n[^\n]*\n)(.-\n)\n([^\n]*)\n(%x+)$")
  local all, line_of = {}, {}
  for name in signed:gmatch("[^;]+") do all[#all + 1] = name end
  for line in lines:gmatch("[^\n]+") do line_of[line:match("^[^:]+")] = line end
  for _, name in ipairs(names) do
    all[#all + 1], line_of[name] = name, name .. ":" .. headers[name]
  end
  table.sort(all)
  local ordered = {}
  for index, name in ipairs(all) do ordered[index] = line_of[name] .. "\n" end
  local full = head .. table.concat(ordered) .. "\n" .. table.concat(all, ";") .. "\n" .. hash
  return hmac_hex(KEY.access_key_secret, "ACS3-HMAC-SHA256\n" .. sha256_hex(full)), table.concat(all, ";")
end

-- sent: what the SDK sent. request: the request to sign, the SDK's or iotmsg's own.
local function check_v3_signature(sent, request, headers, signs_too)
  local signed = assert(iotmsg.sign.aliyun_v3 {
    method = request.method, path = "/", query = request.query, headers = headers, body = request.body,
    access_key_id = KEY.access_key_id, access_key_secret = KEY.access_key_secret,
  })
  if not signs_too then
    assert.are.equal(sent.headers.authorization, signed.authorization)
    return
  end
  local signature, names = signature_with(signed.canonical_request, sent.headers, signs_too)
  assert.are.equal(sent.headers.authorization, ("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s"):format(
    KEY.access_key_id, names, signature))
end

for _, operation in ipairs(operations.all) do
  describe(operation.action .. " on the wire", function()
    local server, endpoint

    setup(function()
      server = process.start { "node", "spec/interop/capture.js" }
      endpoint = "http://127.0.0.1:" .. assert(server:read_line(START_TIMEOUT_S), server:errors())
    end)

    teardown(function() server:stop() end)

    it("is compared with every parameter that iotmsg has", function()
      local compared, ours = {}, {}
      for _, parameter in ipairs(operation.parameters(operations.PAYLOADS[1])) do compared[parameter.ours] = true end
      for name in pairs(own_operations[operation.name].rules.by_name) do ours[name] = true end
      assert.are.same(ours, compared)
    end)

    -- What the SDK sends, and what iotmsg would send with the same key at the same second with the same nonce.
    local function both(client, payload, token)
      local ours, theirs = operations.message(operation, client, payload)
      local target = merged(KEY, { endpoint = endpoint, security_token = token })
      local answer = client.sdk:call(operation, target, theirs)
      assert.is_nil(answer.code, answer.message)
      local sent = cjson.decode((assert(server:read_line(1))))
      sent.query, sent.form, sent.headers = map_of(sent.query), map_of(sent.form), map_of(sent.headers)
      sent.union = merged(sent.query, sent.form)
      ours.timestamp = unix_seconds(sent.union.Timestamp or sent.headers["x-acs-date"])
      ours.nonce = sent.union.SignatureNonce or sent.headers["x-acs-signature-nonce"]
      local iot = assert(iotmsg.new(merged(target, { signature = client.sdk.signature })))
      local prepared = assert(iot:prepare(operation.name, ours))
      prepared.query, prepared.form = wire.query(prepared), wire.fields(prepared.body)
      -- Checked here, and from here on written as the SDK does, so that the signatures can be compared.
      for name, spelled in pairs(client.spells or {}) do
        assert.are.same(spelled, { sent.query[name], prepared.query[name] })
        prepared.query[name] = spelled[1]
      end
      prepared.union = merged(prepared.query, prepared.form)
      return prepared, sent
    end

    local function compare_v1(prepared, sent)
      local format = take(sent.union, { "Format" }).Format
      assert.are.equal("json", format:lower())
      assert.are.equal("JSON", take(prepared.union, { "Format" }).Format)
      local signature = take(sent.union, { "Signature" }).Signature
      local own_signature = take(prepared.union, { "Signature" }).Signature
      assert.are.same(sent.union, prepared.union)
      sent.union.Format = format
      local signed = assert(iotmsg.sign.aliyun_v1 {
        method = sent.method, params = sent.union, access_key_secret = KEY.access_key_secret,
      })
      assert.are.equal(signature, signed.signature)
      if format == "JSON" then assert.are.equal(signature, own_signature) end
    end

    local function compare_v3(prepared, sent, signs_too)
      assert.are.equal("/", sent.path)
      assert.are.same(sent.query, prepared.query)
      assert.are.same(sent.form, prepared.form)
      assert.are.equal(sent.body, prepared.body)
      check_v3_signature(sent, sent, sent.headers, signs_too)
      -- iotmsg's own request, with the SDK's headers alone added, has the SDK's signature.
      local headers = merged(prepared.headers, take(sent.headers, SDK_HEADERS_ALONE))
      check_v3_signature(sent, prepared, headers, signs_too)
      for name, value in pairs(sent.headers) do
        if name:find(V3_HEADERS) then assert.are.equal(value, prepared.headers[name], name) end
      end
    end

    for _, client in ipairs(operation.clients) do
      local sdk = client.sdk

      for _, payload in ipairs(operations.PAYLOADS) do
        for _, token in ipairs { false, TOKEN } do
          local with = token and " and a token" or ""
          it(("is what %s sends, with %s%s"):format(sdk.name, payload.name, with), function()
            local prepared, sent = both(client, payload, token or nil)
            assert.are.equal(sent.method, prepared.method)
            for _, name in ipairs { "host", "content-type" } do
              assert.are.equal(sent.headers[name], prepared.headers[name])
            end
            if sdk.signature == "v1" then
              compare_v1(prepared, sent)
            else
              compare_v3(prepared, sent, sdk.signs_too)
            end
            for name in pairs(prepared.headers) do
              assert.is_truthy(sent.headers[name] or name == "accept", "iotmsg alone sends " .. name)
            end
          end)
        end
      end

      if sdk.signature == "v1" and not sdk.form_only then
        it("puts its parameters in V1 where they are put by " .. sdk.name, function()
          local prepared, sent = both(client, operations.PAYLOADS[1])
          take(sent.query, V1_COMMON)
          take(prepared.query, V1_COMMON)
          assert.are.same(sent.query, prepared.query)
          assert.are.same(sent.form, prepared.form)
        end)
      end

      if sdk.typed and sdk.signature == "v3" then
        it("has every parameter that is known to " .. sdk.name, function()
          local known = {}
          for _, parameter in ipairs(operation.parameters(operations.PAYLOADS[1])) do
            if not (client.unknown and client.unknown[parameter.theirs]) then known[#known + 1] = parameter.theirs end
          end
          table.sort(known)
          assert.are.same(sdk:known(operation), known)
        end)
      end
    end
  end)
end
