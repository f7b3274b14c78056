-- The same call made by a vendor's SDK and by iotmsg, side by side: which parameters, with which values, in query,
-- form or headers, and which signature. What differs is named here, with the reason.

local digest = require "openssl.digest"
local hmac = require "openssl.hmac"

local capture = require "spec.interop.capture"
local iotmsg = require "iotmsg"
local operations = require "spec.interop.operations"
local own_operations = require("iotmsg.family").aliyun.operations
local pair = require "spec.interop.pair"

local KEY = pair.KEY
local TOKEN = "FAKE/sts+token=="

-- Signed like every x-acs-* header, but it tells only where the SDK found its key.
local SDK_HEADERS_ALONE = { "x-acs-credentials-provider" }
local V3_HEADERS = "^x%-acs%-"

local V1_COMMON = { "Action", "Version", "Timestamp", "SignatureMethod", "SignatureVersion", "SignatureNonce",
  "AccessKeyId", "SecurityToken", "Signature", "Format" }

local function take(map, names)
  local taken = {}
  for _, name in ipairs(names) do taken[name], map[name] = map[name], nil end
  return taken
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

-- Without a form these SDKs say nothing of its type; iotmsg always does, and signs that in V3.
local function forget_type_of_nothing(prepared, sent)
  if sent.headers["content-type"] then return end
  assert.are.equal("", sent.body)
  assert.are.equal("", prepared.body)
  prepared.headers["content-type"] = nil
end

for _, operation in ipairs(operations.all) do
  describe(operation.action .. " on the wire", function()
    local server

    setup(function() server = capture.start() end)

    teardown(function() server:stop() end)

    it("is compared with every parameter that iotmsg has", function()
      local compared, ours = {}, {}
      for _, parameter in ipairs(operation.parameters(operations.PAYLOADS[1])) do compared[parameter.ours] = true end
      for name in pairs(own_operations[operation.name].rules.by_name) do ours[name] = true end
      assert.are.same(ours, compared)
    end)

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
      local headers = pair.merged(prepared.headers, take(sent.headers, SDK_HEADERS_ALONE))
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
            local prepared, sent = pair.rpc(server, operation, client, payload, token or nil)
            assert.are.equal(sent.method, prepared.method)
            forget_type_of_nothing(prepared, sent)
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
          local prepared, sent = pair.rpc(server, operation, client, operations.PAYLOADS[1])
          take(sent.query, V1_COMMON)
          take(prepared.query, V1_COMMON)
          assert.are.same(sent.query, prepared.query)
          assert.are.same(sent.form, prepared.form)
        end)
      end

      local moves = operation.moves
      if moves then
        it(("moves %s to the form where it is too long for the query of %s"):format(moves.name, sdk.name), function()
          local place = sdk.form_only and "form" or "query"
          for _, long in ipairs { moves.last, moves.beyond } do
            local prepared, sent = pair.rpc(server, operation, client, { bytes = long, indicator = 1 })
            assert.are.equal(long, sent[place][moves.name])
            assert.are.equal(long, prepared[long == moves.last and "query" or "form"][moves.name])
            if sdk.signature == "v1" then
              compare_v1(prepared, sent)
            else
              assert.are.same(sent.union, prepared.union)
            end
          end
        end)
      end

      if sdk.typed and sdk.signature == "v3" then
        it("has every parameter that is known to " .. sdk.name, function()
          local known = {}
          for _, parameter in ipairs(operation.parameters(operations.PAYLOADS[1])) do
            local theirs = parameter.theirs
            if theirs and not (client.unknown and client.unknown[theirs]) then known[#known + 1] = theirs end
          end
          table.sort(known)
          assert.are.same(sdk:known(operation), known)
        end)
      end
    end

    for _, lacking in ipairs(operation.lacking or {}) do
      if lacking.installed then
        it("is not in " .. lacking.sdk.name, function()
          local ok, why = pcall(lacking.sdk.known, lacking.sdk, operation)
          assert.is_false(ok)
          assert.is_truthy(why:find("the SDK has no " .. operation.action, 1, true), why)
        end)
      end
    end
  end)
end
