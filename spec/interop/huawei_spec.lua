-- Huawei's SDKs and IoTDA's CreateMessage: against the emulator, delivered to a real MQTT device byte for byte, and
-- beside iotmsg, field by field and signature by signature.

local cjson = require "cjson"

local capture = require "spec.interop.capture"
local device = require "spec.support.device"
local huawei = require "spec.interop.huawei"
local iotmsg = require "iotmsg"
local pair = require "spec.interop.pair"
local start_emulator = require("spec.support.emulator").start

local TOKEN = "FAKE/sts+token=="
local FILTER = "$oc/#" -- which "#" does not cover
local SERVICE = "iotdm"

local function changed(target, changes)
  return setmetatable(changes, { __index = target })
end

local function start_cloud(derived, token)
  local args = {}
  if derived then args[#args + 1] = "--huawei-derived" end
  if token then
    args[#args + 1] = "--security-token"
    args[#args + 1] = token
  end
  local cloud = start_emulator { args = args }
  cloud.listener = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, FILTER)
  cloud.target = { endpoint = cloud.huawei_endpoint, ca_file = cloud.ca_file, access_key_id = cloud.access_key_id,
    access_key_secret = cloud.access_key_secret, security_token = token, project_id = huawei.PROJECT_ID,
    region = huawei.REGION }
  return cloud
end

local function stop_cloud(cloud)
  cloud.listener:stop()
  cloud:stop()
end

local function check_content(case, received, message_id)
  local content = received.payload
  if case.in_envelope then
    local envelope = cjson.decode(content)
    assert.are.equal(message_id, envelope.id)
    content = envelope.content
  end
  if type(case.content) == "table" then
    assert.are.same(case.content, cjson.decode(content))
  else
    assert.is_true(case.content == content, "the device received other bytes")
  end
end

local function deliver(sdk, cloud, case)
  local _, theirs, arrives = huawei.message(case)
  local answer = sdk:call({}, cloud.target, theirs)
  assert.is_nil(answer.code, answer.message)
  assert.are.same({ message_id = theirs.body.message_id, status = "DELIVERED", http_status = "201" }, answer.reply)
  local received = assert(cloud.listener:receive())
  assert.are.equal(case.topic, received.topic)
  check_content(case, received, theirs.body.message_id)
  for name, value in pairs(arrives) do assert.are.same(value, received[name], name) end
end

local function refused(sdk, cloud, changes)
  local _, theirs = huawei.message(huawei.cases[1])
  local answer = sdk:call({}, changed(cloud.target, changes), theirs)
  assert.is_nil(cloud.listener:receive(0.2))
  return answer
end

for _, derived in ipairs { false, true } do
  local algorithm = derived and "V11-HMAC-SHA256" or "SDK-HMAC-SHA256"

  describe(("%s with %s on the emulator"):format(huawei.ACTION, algorithm), function()
    local cloud, token_cloud

    setup(function()
      cloud = start_cloud(derived)
      token_cloud = start_cloud(derived, TOKEN)
    end)

    teardown(function()
      stop_cloud(cloud)
      stop_cloud(token_cloud)
    end)

    for _, sdk in ipairs(huawei.clients) do
      if (sdk.derived or false) == derived then
        for _, case in ipairs(huawei.cases) do
          it(("delivers %s sent by %s"):format(case.name, sdk.name), function() deliver(sdk, cloud, case) end)
        end

        it("accepts a security token from " .. sdk.name, function() deliver(sdk, token_cloud, huawei.cases[2]) end)

        it(("refuses %s when one byte of the secret differs"):format(sdk.name), function()
          local secret = cloud.access_key_secret
          local wrong = secret:sub(1, -2) .. string.char(secret:byte(-1) == 90 and 89 or 90)
          local answer = refused(sdk, cloud, { access_key_secret = wrong })
          assert.are.equal("IOTDA.000002", answer.code)
          assert.is_truthy(answer.message:find("^401 .*signature"), answer.message)
        end)

        it(("refuses %s when one byte of the security token differs"):format(sdk.name), function()
          local answer = refused(sdk, token_cloud, { security_token = TOKEN:sub(1, -2) .. "-" })
          assert.are.equal("IOTDA.000002", answer.code)
        end)
      else
        it("refuses " .. sdk.name, function()
          local answer = refused(sdk, cloud, {})
          assert.are.equal(derived and "IOTDA.000002" or "IOTDA.000021", answer.code)
        end)
      end
    end
  end)
end

describe(huawei.ACTION .. " on the wire", function()
  local server

  setup(function() server = capture.start() end)

  teardown(function() server:stop() end)

  it("is compared with every parameter that iotmsg has", function()
    local compared, ours = {}, {}
    for _, parameter in ipairs(huawei.parameters()) do compared[parameter.ours] = true end
    for name in pairs(require("iotmsg.family").huawei.operations.send.rules.by_name) do ours[name] = true end
    assert.are.same(ours, compared)
  end)

  local function names_signed(authorization)
    local names = {}
    for name in authorization:match("SignedHeaders=([^,]*)"):gmatch("[^;]+") do names[#names + 1] = name end
    return names
  end

  local function authorization_of(sdk, request, headers)
    local signed = assert(iotmsg.sign.huawei {
      method = request.method, path = request.path, headers = headers, body = request.body,
      access_key_id = pair.KEY.access_key_id, access_key_secret = pair.KEY.access_key_secret,
      region = sdk.derived and huawei.REGION or nil, service = sdk.derived and SERVICE or nil,
    })
    return signed.authorization
  end

  local function chosen(headers, names)
    local some = {}
    for _, name in ipairs(names) do some[name] = assert(headers[name], name) end
    return some
  end

  for _, sdk in ipairs(huawei.clients) do
    for index, case in ipairs(huawei.cases) do
      for _, token in ipairs { false, TOKEN } do
        if not token or index == 1 then
          it(("is what %s sends, with %s%s"):format(sdk.name, case.name, token and " and a token" or ""), function()
            local prepared, sent = pair.huawei(server, sdk, case, token or nil)
            assert.are.equal(sent.method, prepared.method)
            assert.are.equal(sent.path, prepared.path)
            assert.are.same({}, sent.query)
            assert.is_nil(prepared.url:find("?", 1, true))
            assert.are.same(sent.fields, prepared.fields)

            -- Every header that iotmsg signs is one that the SDK signs, with the same value.
            local own = names_signed(prepared.headers.authorization)
            assert.are.same(names_signed(sent.headers.authorization), sdk:signed_names(own))
            for _, name in ipairs(own) do assert.are.equal(sent.headers[name], prepared.headers[name], name) end
            for name in pairs(prepared.headers) do
              assert.is_truthy(sent.headers[name], "iotmsg alone sends " .. name)
            end

            -- Our signer on the SDK's request, on iotmsg's own, and on iotmsg's with the SDK's spelling of the JSON.
            local theirs = chosen(sent.headers, names_signed(sent.headers.authorization))
            assert.are.equal(sent.headers.authorization, authorization_of(sdk, sent, theirs))
            local ours = chosen(prepared.headers, own)
            assert.are.equal(prepared.headers.authorization, authorization_of(sdk, prepared, ours))
            for name, value in pairs(theirs) do ours[name] = ours[name] or value end
            prepared.body = sent.body
            assert.are.equal(sent.headers.authorization, authorization_of(sdk, prepared, ours))
          end)
        end
      end
    end

    if sdk.typed then
      it("has every parameter that is known to " .. sdk.name, function()
        local known = {}
        for _, parameter in ipairs(huawei.parameters()) do
          if not parameter.of_client then known[#known + 1] = parameter.theirs end
        end
        table.sort(known)
        assert.are.same(sdk:known {}, known)
      end)
    end
  end
end)
