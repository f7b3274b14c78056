-- Child programs for specs: started from a list of arguments, read line by line, and gone when the test
-- process is gone. A shell keeps each child: its standard input is a pipe from here, and the end of that
-- pipe, for whatever reason, ends the child. Every argument is quoted; needs nothing but io.popen and
-- cqueues' sleep.

local cqueues = require "cqueues"

local process = {}
process.__index = process

local POLL_S = 0.005

-- A child that ignores SIGTERM is killed after five seconds. The folder stays only for a caller who says
-- "keep".
local SCRIPT = [[
folder=$1
shift
trap '' INT HUP TERM QUIT
: >"$folder/out"
: >"$folder/err"
(trap - INT HUP TERM QUIT; exec "$@") </dev/null >"$folder/out" 2>"$folder/err" &
pid=$!
exec 2>/dev/null
echo "$pid" >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
read -r word
kill "$pid" 2>/dev/null
(trap - TERM; sleep 5; kill -9 "$pid") >/dev/null 2>&1 &
killer=$!
wait "$pid"
echo "$?" >"$folder/status"
kill "$killer" 2>/dev/null
[ "$word" = keep ] || rm -rf "$folder"
]]

---@param word string
---@return string the word, quoted for a shell
function process.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  return text
end

---@param command string shell words, quoted by the caller
---@return string output without its last newline
function process.output_of(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

---The interpreter that runs this spec: the environment's LUA, else the first word of the command line.
---@return string
function process.interpreter()
  local named = os.getenv("LUA")
  if named and named ~= "" then
    return named
  end
  local lowest = 0
  while arg and arg[lowest - 1] do
    lowest = lowest - 1
  end
  return lowest < 0 and arg[lowest] or "lua5.4"
end

---Starts a program; its output goes to files that are read here as they grow.
---@param argv string[] program and arguments
---@return table process with `pid`
function process.start(argv)
  local folder = process.output_of("umask 077; mktemp -d")
  local words = { "exec sh -c", process.quote(SCRIPT), "sh", process.quote(folder) }
  for _, word in ipairs(argv) do
    words[#words + 1] = process.quote(word)
  end
  local self = setmetatable({ folder = folder, buffer = "" }, process)
  self.pipe = assert(io.popen(table.concat(words, " "), "w"))
  local pid
  self:wait_until(function()
    pid = read_file(folder .. "/pid")
    return pid
  end, 5)
  self.pid = tonumber(pid)
  self.out = io.open(folder .. "/out", "rb")
  return self
end

---Asks again and again until the answer is true or the time is spent; yields inside a cqueue.
---@param condition function
---@param timeout_s number
---@return any answer the condition's, or false
function process.wait_until(_, condition, timeout_s)
  local deadline = cqueues.monotime() + timeout_s
  local answer = condition()
  while not answer and cqueues.monotime() < deadline do
    cqueues.sleep(POLL_S)
    answer = condition()
  end
  return answer or false
end

---@return string what came since the last call and is not yet taken, to look at; see `take`
function process:peek()
  self.out:seek("cur", 0)
  local fresh = self.out:read("*a")
  if fresh and fresh ~= "" then
    self.buffer = self.buffer .. fresh
  end
  return self.buffer
end

---Removes the first `count` bytes of what `peek` shows.
---@param count integer
function process:take(count)
  self.buffer = self.buffer:sub(count + 1)
end

---@param timeout_s number
---@return string|nil line of the program's standard output, without its newline
---@return string|nil problem "timeout"
function process:read_line(timeout_s)
  local line
  self:wait_until(function()
    line = self:peek():match("^([^\n]*)\n")
    return line or not self:alive()
  end, timeout_s)
  line = line or self:peek():match("^([^\n]*)\n")
  if not line then
    return nil, "timeout"
  end
  self:take(#line + 1)
  return line
end

---@return string everything on standard error so far
function process:errors()
  return self.final_errors or read_file(self.folder .. "/err") or ""
end

---@return boolean
function process:alive()
  return self.pipe ~= nil and process.exists(self.pid)
end

---@param pid integer
---@return boolean whether a process, not a zombie, has this number
function process.exists(pid)
  local stat = read_file(("/proc/%d/stat"):format(pid))
  local state = stat and stat:match("^%d+ %(.*%) (%a)")
  return state ~= nil and state ~= "Z" and state ~= "X"
end

---Sends a signal, as in "KILL"; does not wait.
---@param name string
function process:signal(name)
  os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

---Ends the program and waits for it.
---@return integer|nil status its exit status; 128 and more for a signal
function process:stop()
  if not self.pipe then
    return self.status
  end
  self.pipe:write("keep\n")
  self.pipe:close()
  self.pipe = nil
  self:peek()
  self.final_errors = read_file(self.folder .. "/err") or ""
  self.status = tonumber(read_file(self.folder .. "/status") or "")
  self.out:close()
  os.execute("rm -rf " .. process.quote(self.folder))
  return self.status
end

return process
