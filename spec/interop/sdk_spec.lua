-- The vendors' SDKs as clients of the emulator: accepted with the right secret and delivered to a real MQTT device
-- byte for byte, refused when one byte of the secret differs. What they accept and send is what the emulator must know.

local device = require "spec.support.device"
local operations = require "spec.interop.operations"
local start_emulator = require("spec.support.emulator").start

local TOKEN = "FAKE/sts+token=="

local function changed(target, changes)
  return setmetatable(changes, { __index = target })
end

for _, operation in ipairs(operations.all) do
  describe(operation.action .. " on the emulator", function()
    local cloud, token_cloud, listener, token_listener

    setup(function()
      cloud = start_emulator()
      token_cloud = start_emulator { args = { "--security-token", TOKEN } }
      local topic = operation.topic or "#"
      listener = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, topic)
      token_listener = device.subscribe(token_cloud.mqtt_host, token_cloud.mqtt_port, topic)
    end)

    teardown(function()
      listener:stop()
      token_listener:stop()
      cloud:stop()
      token_cloud:stop()
    end)

    for _, client in ipairs(operation.clients) do
      local sdk = client.sdk

      local function deliver(target, subscriber, payload)
        local _, theirs, arrives = operations.message(operation, client, payload)
        local answer = sdk:call(operation, target, theirs)
        assert.is_nil(answer.code, answer.message)
        local received = assert(subscriber:receive())
        assert.is_true(arrives.payload == received.payload, "the device received other bytes")
        for name, value in pairs(arrives) do assert.are.same(value, received[name], name) end
        local id = answer.reply[operation.id]
        assert.is_truthy(id and id:find("^%w+$"), "no message id: " .. tostring(id))
        if sdk.exact then assert.is_truthy(target:log():find(id, 1, true), id .. " is not what was answered") end
      end

      for _, payload in ipairs(operations.PAYLOADS) do
        it(("delivers %s sent by %s"):format(payload.name, sdk.name), function()
          deliver(cloud, listener, payload)
        end)
      end

      it("accepts an STS token from " .. sdk.name, function()
        deliver(changed(token_cloud, { security_token = TOKEN }), token_listener, operations.PAYLOADS[1])
      end)

      it(("refuses %s when one byte of the secret differs"):format(sdk.name), function()
        local last = cloud.access_key_secret:byte(-1)
        local wrong = cloud.access_key_secret:sub(1, -2) .. string.char(last == 90 and 89 or 90)
        local _, theirs = operations.message(operation, client, operations.PAYLOADS[1])
        local answer = sdk:call(operation, changed(cloud, { access_key_secret = wrong }), theirs)
        assert.are.equal("SignatureDoesNotMatch", answer.code)
        assert.is_nil(listener:receive(0.2))
      end)

      if operation.absent then
        it("tells " .. sdk.name .. " that a device is not there", function()
          local _, theirs = operations.message(operation, client, operations.PAYLOADS[1])
          for name, value in pairs(operation.absent) do theirs[name] = value end
          local answer = sdk:call(operation, cloud, theirs)
          assert.are.equal("iot.device.InactiveDevice", answer.code or answer.reply.Code)
          assert.is_nil(listener:receive(0.2))
        end)
      end
    end
  end)
end
