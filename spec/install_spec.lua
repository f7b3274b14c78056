-- What reaches a user's machine: make install, luarocks, make env. Each builds from a copy of the tree in a folder of
-- its own, and what it leaves is used with that folder on Lua's paths and nothing else of ours.

local command = require "spec.support.command"
local process = require "spec.support.process"

local ABI = _VERSION:match("%d%.%d")
local LUA = process.interpreter()
-- LuaRocks builds for the plain Lua of this ABI; LuaJIT loads what is built for 5.1.
local ROCKS_LUA = "lua" .. ABI
local LUAROCKS = "luarocks-" .. ABI

-- Loads the module, uses the C core and the Lua beside it, and tells where both came from.
local CHECK = [[
local iotmsg = require "iotmsg"
local request = assert(iotmsg.prepare("pub", { product_key = "a1Q5XoY", topic_full_name = "/a1Q5XoY/d/user/get",
  payload = "hello", access_key_id = "id", access_key_secret = "secret", region = "cn-shanghai" }))
assert(request.url:find("^https://iot%.cn%-shanghai%.aliyuncs%.com/%?"))
assert(request.body == "MessageContent=aGVsbG8%3D")
local function find(path, name)
  for template in path:gmatch("[^;]+") do
    local file = io.open((template:gsub("%?", (name:gsub("%.", "/")))), "r")
    if file then return file:close() and (template:gsub("%?", (name:gsub("%.", "/")))) end
  end
end
print(iotmsg._VERSION, find(package.path, "iotmsg.client"), find(package.cpath, "iotmsg.core"))
]]

local function quote_all(words)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = process.quote(word) end
  return table.concat(quoted, " ")
end

-- All that a commit of the tree as it stands would hold.
local function copy_tree(to)
  local script = "git ls-files --cached --others --exclude-standard | sort -u | "
    .. "while IFS= read -r file; do [ ! -f \"$file\" ] || printf '%s\\n' \"$file\"; done | "
    .. "tar -cf - -T - | tar -xf - -C " .. process.quote(to) .. "; echo status $?"
  assert.equal("status 0", process.output_of(script .. " 2>&1"))
end

local function files_below(folder)
  local found = {}
  local listing = process.output_of(("cd %s && find . -type f | sort"):format(process.quote(folder)))
  for path in listing:gmatch("[^\n]+") do found[#found + 1] = path:sub(3) end
  return found
end

local function succeeded(run)
  assert.equal(0, run.status, run.output .. run.errors)
  return run
end

local function exported_symbols(path)
  local found = {}
  local run = succeeded(command.run { "nm", "-D", "--defined-only", path })
  for name in run.output:gmatch("%S+ %a (%S+)\n") do found[#found + 1] = name end
  return found
end

local VERSION = require "iotmsg.version"

-- A version and the two places, as CHECK prints them.
local function found_at(output)
  return output:match("^(%S+)\t(%S+)\t(%S+)\n$")
end

describe("packaging", function()
  local folder, tree, lua_modules

  -- make in the copy, with an environment of its own.
  local function make(...)
    return command.run({ "make", "--no-print-directory", "LUA=" .. LUA, ... }, { folder = tree, limit_s = 120 })
  end

  setup(function()
    folder = command.new_folder()
    tree = folder .. "/tree"
    assert(os.execute("mkdir " .. process.quote(tree)))
    copy_tree(tree)
    lua_modules = files_below(tree .. "/lua")
    for at = #lua_modules, 1, -1 do
      if not lua_modules[at]:find("%.lua$") then table.remove(lua_modules, at) end
    end
  end)

  teardown(function()
    command.remove_folder(folder)
  end)

  describe("make install", function()
    local root, usr

    setup(function()
      root = folder .. "/root"
      usr = root .. "/usr"
      succeeded(make("-j2", "install", "DESTDIR=" .. root, "PREFIX=/usr"))
    end)

    it("installs the modules, the core, the command, and nothing else", function()
      local expected = { "usr/bin/iotmsg", "usr/lib/lua/" .. ABI .. "/iotmsg/core.so" }
      for _, path in ipairs(lua_modules) do expected[#expected + 1] = "usr/share/lua/" .. ABI .. "/" .. path end
      table.sort(expected)
      local found = files_below(root)
      table.sort(found)
      assert.same(expected, found)
    end)

    it("lets everybody read, and run what is to be run", function()
      local odd = process.output_of(("find %s \\( -type f ! -path '*/bin/*' ! -name '*.so' ! -perm 644 \\) -o "
        .. "\\( -type f \\( -path '*/bin/*' -o -name '*.so' \\) ! -perm 755 \\) -o \\( -type d ! -perm -755 "
        .. "! -path %s \\)"):format(process.quote(usr), process.quote(usr)))
      assert.equal("", odd)
    end)

    it("installs what works from there", function()
      local share, lib = usr .. "/share/lua/" .. ABI, usr .. "/lib/lua/" .. ABI
      local env = { LUA_PATH = share .. "/?.lua;" .. share .. "/?/init.lua;;", LUA_CPATH = lib .. "/?.so;;" }
      local run = succeeded(command.run({ LUA, "-e", CHECK }, { env = env, folder = folder }))
      local version, module, core = found_at(run.output)
      assert.equal(VERSION, version)
      assert.equal(share .. "/iotmsg/client.lua", module)
      assert.equal(lib .. "/iotmsg/core.so", core)
      run = succeeded(command.run({ usr .. "/bin/iotmsg", "--version" }, { env = env, folder = folder }))
      assert.equal("iotmsg " .. VERSION .. "\n", run.output)
      assert.equal(2, command.run({ usr .. "/bin/iotmsg", "pub" }, { env = env, folder = folder }).status)
      succeeded(command.run({ usr .. "/bin/iotmsg", "emulator", "--help" }, { env = env, folder = folder }))
    end)

    it("installs a core with one exported symbol", function()
      assert.same({ "luaopen_iotmsg_core" }, exported_symbols(usr .. "/lib/lua/" .. ABI .. "/iotmsg/core.so"))
    end)

    it("builds nothing outside of build/", function()
      local before = {}
      for _, path in ipairs(files_below(tree)) do
        if path:find("^build/") == nil then before[#before + 1] = path end
      end
      local copy = folder .. "/again"
      assert(os.execute("mkdir " .. process.quote(copy)))
      copy_tree(copy)
      assert.same(files_below(copy), before)
    end)

    it("has no work to do again, and installs over itself", function()
      local run = succeeded(make("install", "DESTDIR=" .. root, "PREFIX=/usr"))
      assert.is_nil(run.output:find(" -c -o ", 1, true), run.output)
    end)
  end)

  describe("make env", function()
    -- What a shell elsewhere finds after it evaluated the lines.
    local function use(build)
      local env_words = { "make", "--no-print-directory", "-s", "-C", tree, "env", "LUA=" .. LUA }
      if build then env_words[#env_words + 1] = "BUILD=" .. build end
      local script = ("eval \"$(%s)\" && %s -e %s && iotmsg --version"):format(
        quote_all(env_words), process.quote(LUA), process.quote(CHECK))
      return command.run({ "sh", "-c", script }, { folder = folder })
    end

    it("prints lines that make the built tree usable where it stands", function()
      succeeded(make("-j2", "core"))
      local run = succeeded(use())
      assert.equal("", run.errors)
      local check, version = run.output:match("^([^\n]*\n)(.*)$")
      local _, module, core = found_at(check)
      assert.equal(tree .. "/lua/iotmsg/client.lua", module)
      assert.equal(tree .. "/build/" .. ABI .. "/iotmsg/core.so", core)
      assert.equal("iotmsg " .. VERSION .. "\n", version)
    end)

    it("prints export lines and nothing else", function()
      local run = succeeded(make("-s", "env"))
      assert.equal("", run.errors)
      for line in run.output:gmatch("[^\n]+") do assert.truthy(line:find("^export [%u_]+=\".*\"$"), line) end
    end)

    it("follows BUILD, also where it is an absolute path", function()
      local build = folder .. "/elsewhere"
      assert(os.execute(("cp -R %s %s"):format(process.quote(tree .. "/build/" .. ABI), process.quote(build))))
      local run = succeeded(use(build))
      local _, _, core = found_at(run.output:match("^[^\n]*\n"))
      assert.equal(build .. "/iotmsg/core.so", core)
    end)
  end)

  it("make print shows every knob with its value", function()
    local run = succeeded(make("print", "PREFIX=/opt/spec", "CFLAGS=-O1"))
    assert.equal("", run.errors)
    local knobs = {}
    for name, value in run.output:gmatch("([%u_]+) = ([^\n]*)\n") do knobs[name] = value end
    assert.equal(LUA, knobs.LUA)
    assert.equal(ABI, knobs.LUA_ABI)
    assert.equal("build/" .. ABI, knobs.BUILD)
    assert.equal("/opt/spec", knobs.PREFIX)
    assert.equal("/opt/spec/lib/lua/" .. ABI, knobs.LUA_LIBDIR)
    assert.equal("/opt/spec/share/lua/" .. ABI, knobs.LUADIR)
    assert.equal("/opt/spec/bin", knobs.BINDIR)
    assert.equal("-O1", knobs.CFLAGS)
    assert.equal("", knobs.DESTDIR)
    local makefile = command.read("Makefile")
    for name in makefile:gmatch("\n([%u_]+) *%?= ") do
      assert.truthy(knobs[name], name .. " can be set and is not shown")
    end
  end)

  it("builds with LuaRocks", function()
    local rocks = folder .. "/rocks"
    local words = { LUAROCKS, "make", "--deps-mode=none", "--tree=" .. rocks, "rockspec/iotmsg-scm-1.rockspec" }
    succeeded(command.run(words, { folder = tree, limit_s = 120 }))
    local share, lib = rocks .. "/share/lua/" .. ABI, rocks .. "/lib/lua/" .. ABI
    local env = { LUA_PATH = share .. "/?.lua;" .. share .. "/?/init.lua;;", LUA_CPATH = lib .. "/?.so;;" }
    for _, lua in ipairs { LUA, ROCKS_LUA } do
      local run = succeeded(command.run({ lua, "-e", CHECK }, { env = env, folder = folder }))
      local version, module, core = found_at(run.output)
      assert.equal(VERSION, version)
      assert.equal(share .. "/iotmsg/client.lua", module)
      assert.equal(lib .. "/iotmsg/core.so", core)
    end
    local found = {}
    for _, path in ipairs(files_below(share)) do found[#found + 1] = path end
    assert.same(lua_modules, found)
    assert.same({ "luaopen_iotmsg_core" }, exported_symbols(lib .. "/iotmsg/core.so"))
    -- With this dependency mode LuaRocks tells its wrapper of no tree.
    local run = succeeded(command.run({ rocks .. "/bin/iotmsg", "--version" }, { env = env, folder = folder }))
    assert.equal("iotmsg " .. VERSION .. "\n", run.output)
    assert.equal(2, command.run({ rocks .. "/bin/iotmsg", "pub" }, { env = env, folder = folder }).status)
  end)
end)
