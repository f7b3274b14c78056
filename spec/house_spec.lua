-- The house keeps its own rules: layers point down, there is no circle, one symbol is exported, the linters are
-- content, and every spec is found.

local process = require "spec.support.process"

local function lines_of(command)
  local lines = {}
  for line in process.output_of(command):gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

describe("the house", function()
  it("has C layers that include only what lies below them", function()
    local floor = { base = 1, sign = 2, net = 2, lua = 3 }
    local wrong = {}
    for _, path in ipairs(lines_of("find csrc -name '*.[ch]'")) do
      local here = path:match("^csrc/(%w+)/")
      for there in read(path):gmatch('#include "(%w+)/') do
        local down = here == there or floor[there] < floor[here]
        if not down then wrong[#wrong + 1] = path .. " includes " .. there end
      end
    end
    assert.are.same({}, wrong)
  end)

  it("has no circle among its Lua files", function()
    local needs = {}
    for _, path in ipairs(lines_of("find lua/iotmsg -name '*.lua'")) do
      local name = path:match("^lua/(.*)%.lua$"):gsub("/", "."):gsub("%.init$", "")
      needs[name] = {}
      for there in read(path):gmatch('require%s*%(?%s*"(iotmsg[%w_.]*)"') do
        if there ~= "iotmsg.core" then table.insert(needs[name], there) end
      end
    end
    local state, circle = {}, nil
    local function visit(name, trail)
      if state[name] == "done" or circle then return end
      trail = trail .. " -> " .. name
      if state[name] == "here" then
        circle = trail
        return
      end
      assert.is_table(needs[name], trail .. " is no file")
      state[name] = "here"
      for _, there in ipairs(needs[name]) do visit(there, trail) end
      state[name] = "done"
    end
    for name in pairs(needs) do visit(name, "") end
    assert.is_nil(circle, circle)
  end)

  it("looks at LUA_VERSION_NUM in one file", function()
    assert.are.same({ "csrc/lua/compat.h" }, lines_of("grep -rl LUA_VERSION_NUM csrc"))
  end)

  it("knows OpenSSL's hashing in one file", function()
    assert.are.same({ "csrc/sign/digest.c" }, lines_of("grep -rlE 'openssl/(evp|hmac|sha)' csrc"))
  end)

  it("exports one symbol", function()
    for _, abi in ipairs { "5.1", "5.4" } do
      local symbols = lines_of("nm -D --defined-only build/" .. abi .. "/iotmsg/core.so")
      assert.are.equal(1, #symbols)
      assert.is_truthy(symbols[1]:find(" T luaopen_iotmsg_core$"))
    end
  end)

  it("states its version once", function()
    local version = require "iotmsg.version"
    assert.are.same({ "lua/iotmsg/version.lua" }, lines_of("grep -rlF '" .. version .. "' lua csrc rockspec Makefile"))
  end)

  it("compiles on clang without a warning", function()
    local output = process.output_of("make -s core CC=clang BUILD=build/clang LUA=lua5.4 2>&1; echo status $?")
    assert.is_truthy(output:find("status 0$"), output)
  end)

  it("is clean for luacheck", function()
    local output = process.output_of("luacheck -q lua spec examples 2>&1; echo status $?")
    assert.is_truthy(output:find("status 0$"), output)
  end)

  it("is clean for clang-format", function()
    local output = process.output_of(
      "git ls-files '*.[ch]' | xargs clang-format --dry-run -Werror 2>&1; echo status $?")
    assert.are.equal("status 0", output)
  end)

  it("has no file of tests that busted would not find", function()
    local odd = {}
    for _, path in ipairs(lines_of("grep -rlE '^ *describe\\(' spec --include=*.lua")) do
      if not path:find("_spec%.lua$") then odd[#odd + 1] = path end
    end
    assert.are.same({}, odd)
  end)
end)
