-- The MQTT broker that devices subscribe to: a private mosquitto on a free loopback port, or one the operator
-- names. It answers "where do I publish, where do devices connect?"; how a message is published is mqtt.lua's
-- matter.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local keeper = require "iotmsg.emulator.keeper"
local mqtt = require "iotmsg.emulator.mqtt"
local presence = require "iotmsg.emulator.presence"

local START_TIMEOUT_S = 10
local INSTALL_HINT = "install it (Debian: apt install mosquitto) or name a broker with --mqtt HOST:PORT"

-- The UNIX socket proves that the broker reached is the one just started: a stranger on the TCP port has no
-- such socket, and mosquitto does not start at all when the port is taken.
local CONFIGURATION = [[
user root
persistence false
allow_anonymous true
log_type error
log_type subscribe
log_dest stderr
log_dest topic
message_size_limit 0
max_queued_messages 0
max_inflight_messages 0
listener %d 127.0.0.1
socket_domain ipv4
listener 0 %s/broker.sock
]]

local broker = {}

local function find_mosquitto()
  local pipe = io.popen("PATH=\"$PATH:/usr/sbin:/usr/local/sbin\" command -v mosquitto 2>/dev/null", "r")
  local path = pipe and pipe:read("*l")
  if pipe then
    pipe:close()
  end
  return path ~= "" and path or nil
end

local function free_port()
  local listener = socket.listen("127.0.0.1", 0)
  listener:listen()
  local _, _, port = listener:localname()
  listener:close()
  return port
end

local function wait_until_ready(publisher, folder)
  local deadline = cqueues.monotime() + START_TIMEOUT_S
  repeat
    if publisher:connect() then
      return true
    end
    cqueues.sleep(0.01)
  until keeper.exists(folder .. "/broker.ended") or cqueues.monotime() > deadline
  return false
end

local function start_once(program, listener)
  local port = free_port()
  local kept, problem = keeper.start(program, function(folder)
    return CONFIGURATION:format(port, folder)
  end)
  if not kept then
    return nil, problem
  end
  local publisher = mqtt.new({ path = kept.folder .. "/broker.sock" })
  publisher:listen(presence.TOPIC, listener)
  if wait_until_ready(publisher, kept.folder) then
    return { host = "127.0.0.1", port = port, publisher = publisher, keeper = kept }
  end
  kept:stop()
  return nil, "mosquitto (" .. program .. ") does not start"
end

---Starts a private mosquitto; must run in a cqueue.
---@param listener fun(line: string) told of every subscription, as presence.lua reads it
---@return table|nil broker { host, port, publisher, keeper }
---@return string|nil problem
function broker.start(listener)
  local program = find_mosquitto()
  if not program then
    return nil, "mosquitto is not installed: " .. INSTALL_HINT
  end
  local started, problem
  for _ = 1, 5 do
    -- The free port can be taken by another program in between.
    started, problem = start_once(program, listener)
    if started then
      return started
    end
  end
  return nil, problem
end

---Uses a broker that runs already; must run in a cqueue.
---@param host string
---@param port integer
---@return table|nil broker { host, port, publisher }
---@return string|nil problem
function broker.use(host, port)
  local publisher = mqtt.new({ host = host, port = port })
  local ok, problem = publisher:connect()
  if not ok then
    return nil, ("no MQTT broker at %s:%d (%s): start one there, or leave --mqtt out for a private one")
      :format(host, port, problem)
  end
  return { host = host, port = port, publisher = publisher }
end

return broker
