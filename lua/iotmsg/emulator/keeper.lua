-- A private folder and a shell that keeps it: when the emulator is gone, however it died, the shell's
-- standard input ends; then it stops the program it runs, if any, and removes the folder. Only the operator's
-- own words reach a shell, each quoted; nothing that a request carries comes here.

local keeper = {}
keeper.__index = keeper

-- SIGINT from a terminal reaches the whole process group: the shell must outlive it to clean up.
local SCRIPT = [[
trap '' INT HUP TERM QUIT
if [ "$2" ]; then
  (
    sh -c 'echo $$ >"$1/broker.pid"; exec "$2" -c "$1/broker.conf"' sh "$1" "$2" >"$1/broker.log" 2>&1
    : >"$1/broker.ended"
  ) &
fi
cat >/dev/null
if [ "$2" ]; then
  until [ -s "$1/broker.pid" ] || [ -e "$1/broker.ended" ]; do sleep 0.05; done
  kill "$(cat "$1/broker.pid")" 2>/dev/null
  wait
fi
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

---@return string|nil path of a fresh folder that nobody else can enter
---@return string|nil problem
function keeper.new_folder()
  local pipe = io.popen("umask 077; mktemp -d \"${TMPDIR:-/tmp}/iotmsg-emulator.XXXXXX\" 2>/dev/null", "r")
  local path = pipe and pipe:read("*l")
  if pipe then
    pipe:close()
  end
  if not path or path == "" then
    return nil, "cannot make a temporary folder: is there room in TMPDIR or /tmp?"
  end
  return path
end

---@param folder string removed at the end
---@param program string|nil an MQTT broker, started as `program -c folder/broker.conf`; when it ends,
---  folder/broker.ended appears
---@return table|nil keeper
---@return string|nil problem
function keeper.start(folder, program)
  local command = ("exec sh -c %s sh %s %s"):format(
    keeper.quote(SCRIPT), keeper.quote(folder), keeper.quote(program or ""))
  local pipe = io.popen(command, "w")
  if not pipe then
    return nil, "cannot start a shell"
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
