-- Every example runs as it stands against the emulator, and stays short.

local emulator = require "spec.support.emulator"
local process = require "spec.support.process"

local function lines_of(command)
  local lines = {}
  for line in process.output_of(command):gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

describe("examples", function()
  local cloud

  setup(function() cloud = emulator.start() end)
  teardown(function() cloud:stop() end)

  for _, path in ipairs(lines_of("ls examples/*.lua")) do
    it(path .. " runs", function()
      local output = process.output_of(("IOTMSG_ENDPOINT=%s IOTMSG_CA_FILE=%s ALIBABA_CLOUD_ACCESS_KEY_ID=%s "
        .. "ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s timeout 60 %s %s 2>&1 </dev/null && echo ended well"):format(
        cloud.endpoint, cloud.ca_file, cloud.access_key_id, cloud.access_key_secret,
        process.quote(process.interpreter()), path))
      assert.is_nil(output:find("iotmsg: ", 1, true), output)
      assert.is_truthy(output:find("ended well$"), output)
    end)

    it(path .. " has at most 40 lines", function()
      assert.is_true(#lines_of("cat " .. path) <= 40)
    end)
  end
end)
