-- A private folder and a shell that keeps it: when the emulator is gone, however it died, the shell's
-- standard input ends; then it stops the program it runs, if any, and removes the folder. Only the operator's
-- own words reach a shell, each quoted; nothing that a request carries comes here.

local cqueues = require "cqueues"
local rand = require "openssl.rand"

local keeper = {}
keeper.__index = keeper

local START_TIMEOUT_S = 5

-- SIGINT from a terminal reaches the whole process group: the shell must outlive it to clean up. Until the
-- program has its own handlers it ignores SIGTERM as its shell does, so it is told again until it is gone.
local SCRIPT = [[
trap '' INT HUP TERM QUIT
umask 077
mkdir "$1" || exit 1
if [ "$2" ]; then
  printf %s "$3" >"$1/broker.conf"
  (
    sh -c 'echo $$ >"$1/broker.pid"; exec "$2" -c "$1/broker.conf"' sh "$1" "$2" >"$1/broker.log" 2>&1
    : >"$1/broker.ended"
  ) &
fi
: >"$1/kept"
cat >/dev/null
signal=TERM tries=0
while [ "$2" ] && [ ! -e "$1/broker.ended" ]; do
  [ -s "$1/broker.pid" ] && kill "-$signal" "$(cat "$1/broker.pid")" 2>/dev/null
  tries=$((tries + 1))
  [ "$tries" -gt 60 ] && signal=KILL
  sleep 0.05
done
rm -rf "$1"
]]

---@param word string
---@return string the word as a shell reads it back
function keeper.quote(word)
  if word:find("^[A-Za-z0-9_./:@%%+=,-]+$") then
    return word
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

---@param path string
---@return boolean
function keeper.exists(path)
  local file = io.open(path, "r")
  if file then
    file:close()
  end
  return file ~= nil
end

local function new_name()
  local parts = { (os.getenv("TMPDIR") or "/tmp"), "/iotmsg-emulator." }
  for _, code in ipairs({ rand.bytes(16):byte(1, 16) }) do
    parts[#parts + 1] = ("%02x"):format(code)
  end
  return table.concat(parts)
end

---Makes a fresh folder that nobody else can enter, and keeps it until `stop` or the end of this process.
---@param program string|nil an MQTT broker, started as `program -c broker.conf`; when it ends, the file
---  broker.ended appears in the folder
---@param configuration fun(folder: string): string of the broker
---@return table|nil keeper with `folder`
---@return string|nil problem
function keeper.start(program, configuration)
  local folder = new_name()
  local words = { "exec sh -c", keeper.quote(SCRIPT), "sh", keeper.quote(folder) }
  if program then
    words[#words + 1] = keeper.quote(program)
    words[#words + 1] = keeper.quote(configuration(folder))
  end
  local pipe = io.popen(table.concat(words, " ") .. " 2>/dev/null", "w")
  if not pipe then
    return nil, "cannot start a shell"
  end
  local deadline = cqueues.monotime() + START_TIMEOUT_S
  while not keeper.exists(folder .. "/kept") do
    if cqueues.monotime() > deadline then
      pipe:close()
      return nil, "cannot make a temporary folder " .. folder .. ": is there room in TMPDIR or /tmp?"
    end
    cqueues.sleep(0.002)
  end
  return setmetatable({ pipe = pipe, folder = folder }, keeper)
end

---Ends the program, removes the folder, and waits until both are done.
function keeper:stop()
  if self.pipe then
    self.pipe:close()
    self.pipe = nil
  end
end

return keeper
