-- Runs a piece of Lua in an interpreter of its own, with an environment that holds what the spec names and nothing
-- else.

local process = require "spec.support.process"

local M = {}

local SEARCH = "lua/?.lua;lua/?/init.lua;?.lua;"

---@class spec.Child
---@field lua string? interpreter; default: the one that runs the spec
---@field cpath string? LUA_CPATH; default: this process's
---@field env table<string, string>? variables

---@param code string
---@param options spec.Child?
---@return string output standard output and standard error, without the last newline
---@return boolean ok whether the interpreter ended with status 0
function M.run(code, options)
  options = options or {}
  local env = { PATH = os.getenv("PATH"), LUA_PATH = SEARCH .. ";", LUA_CPATH = options.cpath or package.cpath }
  for name, value in pairs(options.env or {}) do env[name] = value end
  local words = { "env -i" }
  for name, value in pairs(env) do words[#words + 1] = process.quote(name .. "=" .. value) end
  words[#words + 1] = process.quote(options.lua or process.interpreter())
  words[#words + 1] = "-e " .. process.quote(code)
  words[#words + 1] = "2>&1; echo $?"
  local output, status = process.output_of(table.concat(words, " ")):match("^(.-)\n?(%d+)$")
  return output, status == "0"
end

-- Lua 5.1 and LuaJIT share one build.
local INTERPRETERS = { { "lua5.1", "5.1" }, { "luajit", "5.1" }, { "lua5.4", "5.4" } }

---@return { lua: string, cpath: string }[] interpreters that the tree is built for
function M.built()
  local found = {}
  for _, entry in ipairs(INTERPRETERS) do
    local core = io.open(("build/%s/iotmsg/core.so"):format(entry[2]), "rb")
    if core then
      core:close()
      found[#found + 1] = { lua = entry[1], cpath = ("build/%s/?.so;;"):format(entry[2]) }
    end
  end
  return found
end

return M
