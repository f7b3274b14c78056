-- Runs a program to its end: words in, bytes in, everything that it says out. Its environment holds what the spec
-- names, a way to find programs, and nothing else; a program that hangs is ended and counts as status 124.

local process = require "spec.support.process"

local M = {}

local LIMIT_S = 60

---@class spec.Run
---@field status integer exit status; 124: it hung
---@field output string standard output, all bytes
---@field errors string standard error, all bytes

---@class spec.Command
---@field env table<string, string>? variables
---@field input string? bytes on standard input; default: none
---@field folder string? where to run
---@field limit_s integer? seconds (60)

local function read(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("*a")
  file:close()
  return bytes
end

local function write(path, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
end

M.read, M.write = read, write

---@return string path of a new folder that nobody else can read
function M.new_folder()
  local folder = process.output_of("umask 077; mktemp -d")
  assert(folder:find("^/"), "no folder could be made")
  return folder
end

---@param folder string
function M.remove_folder(folder)
  os.execute("rm -rf " .. process.quote(folder))
end

---@param argv string[] program and arguments
---@param options spec.Command?
---@return spec.Run
function M.run(argv, options)
  options = options or {}
  local scratch = M.new_folder()
  write(scratch .. "/in", options.input or "")
  local env = { PATH = os.getenv("PATH"), HOME = scratch }
  for name, value in pairs(options.env or {}) do env[name] = value end
  local words = {}
  if options.folder then words[1] = ("cd %s &&"):format(process.quote(options.folder)) end
  words[#words + 1] = "env -i"
  for name, value in pairs(env) do words[#words + 1] = process.quote(name .. "=" .. value) end
  words[#words + 1] = ("timeout -k 5 %d"):format(options.limit_s or LIMIT_S)
  for _, word in ipairs(argv) do words[#words + 1] = process.quote(word) end
  words[#words + 1] = ("<%s/in >%s/out 2>%s/err; echo $?"):format(scratch, scratch, scratch)
  local status = process.output_of(table.concat(words, " "))
  local run = { status = tonumber(status), output = read(scratch .. "/out"), errors = read(scratch .. "/err") }
  M.remove_folder(scratch)
  return run
end

return M
