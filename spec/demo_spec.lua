-- The demo is what a newcomer believes: it says "delivered" only for bytes that a device received, and its exit status
-- says whether all of them were right.

local command = require "spec.support.command"
local process = require "spec.support.process"

local ABI = _VERSION:match("%d%.%d")

-- Stands in for the module: the real one, with operations that do something else to the payload first.
local SHIM = [[
local real = assert(loadfile("lua/iotmsg/init.lua"))("iotmsg")
local function bend(payload)
  %s
end
local shim = setmetatable({}, { __index = real })
for _, name in ipairs { "pub", "async_rrpc", "send_message" } do
  shim[name] = function(params)
    params.payload = bend(params.payload)
    return real[name](params)
  end
end
if real.huawei then
  shim.huawei = setmetatable({ send = function(params)
    params.payload = bend(params.payload)
    return real.huawei.send(params)
  end }, { __index = real.huawei })
end
return shim
]]

describe("spec/demo.lua", function()
  local folder

  setup(function() folder = command.new_folder() end)
  teardown(function() command.remove_folder(folder) end)

  ---@param search string? goes before the tree's own modules
  ---@return spec.Run
  local function demo(search)
    local env = {
      LUA = process.interpreter(),
      LUA_PATH = (search or "") .. "lua/?.lua;lua/?/init.lua;?.lua;;",
      LUA_CPATH = "build/" .. ABI .. "/?.so;;",
    }
    return command.run({ process.interpreter(), "spec/demo.lua" }, { env = env, limit_s = 60 })
  end

  local function bent(code)
    command.write(folder .. "/iotmsg.lua", SHIM:format(code))
    return demo(folder .. "/?.lua;")
  end

  -- Each line's operation and size, after it was made sure that all lines look alike and no id comes twice.
  local function lines_of(output)
    local found, ids = {}, {}
    for line in output:gmatch("[^\n]+") do
      local operation, id, size = line:match("^delivered ([%w_.-]+) ([%w-]+) (%d+) bytes$")
      assert.truthy(operation, line)
      assert.is_nil(ids[id])
      ids[id], found[#found + 1] = true, operation .. " " .. size
    end
    return found
  end

  it("tells of every message that a device received, and ends with 0", function()
    local run = demo()
    assert.equal("", run.errors)
    assert.equal(0, run.status)
    local told = {}
    for _, line in ipairs(lines_of(run.output)) do told[line] = true end
    assert.is_true(told["pub 11"]) -- hello world
    assert.is_true(told["pub 256"]) -- every byte
    assert.truthy(#lines_of(run.output) >= 3)
  end)

  it("is not content with other bytes", function()
    local run = bent 'return type(payload) == "string" and payload:upper() .. "!" or { other = true }'
    assert.not_equal(0, run.status)
    assert.truthy(run.errors:find("received other bytes than were sent", 1, true), run.errors)
    assert.same({}, lines_of(run.output))
  end)

  it("is not content where one of its messages is wrong", function()
    local run = bent [[return type(payload) == "string" and #payload == 256 and payload:sub(1, 255) or payload]]
    assert.not_equal(0, run.status)
    local told = lines_of(run.output)
    assert.is_true(#told >= 1)
    for _, line in ipairs(told) do assert.is_nil(line:find(" 25[56]$"), line) end
  end)

  it("is not content where the cloud refuses", function()
    local run = bent [[error("the network is gone", 0)]]
    assert.not_equal(0, run.status)
    assert.same({}, lines_of(run.output))
  end)
end)
