-- A small MQTT 5 publisher on cqueues: one connection, many request handlers publishing at once. Handlers
-- queue whole packets, one writer sends them in order, one reader hands each PUBACK to the handler that
-- waits, and what the broker publishes on one topic to whoever listens. It knows nothing of clouds: a message
-- in, "the broker has it" or a reason out.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"

local loops = require "iotmsg.emulator.mqtt_loops"
local mqtt_connection = require "iotmsg.emulator.mqtt_connection"
local packet = require "iotmsg.emulator.mqtt_packet"
local subscription = require "iotmsg.emulator.mqtt_subscription"

local KEEPALIVE_S = 30
local RECONNECT_TIMEOUT_S = 3
local PUBLISH_TIMEOUT_S = 10
local RECONNECT_PAUSE_S = 0.2

local publisher = {}
publisher.__index = publisher

---@param address table { host, port } or { path } of a UNIX socket
---@return table publisher not yet connected
function publisher.new(address)
  return setmetatable({
    address = address,
    keepalive_s = KEEPALIVE_S,
    outgoing = {},
    outgoing_changed = condition.new(),
    state_changed = condition.new(),
    waiting = {},
    in_flight = 0,
    next_id = 0,
  }, publisher)
end

---Subscribes to a topic at every connection from now on; messages come once `run` runs.
---@param topic string
---@param handle fun(payload: string) must not wait
function publisher:listen(topic, handle)
  self.listening = { bytes = subscription.subscribe(topic), handle = handle }
end

---Connects once; must run in a cqueue.
---@return boolean|nil ok
---@return string|nil problem
function publisher:connect()
  local connection, limits = mqtt_connection.open(self.address, KEEPALIVE_S)
  if not connection then
    return nil, limits
  end
  if self.listening then
    connection:xwrite(self.listening.bytes, "n")
  end
  self.limits = limits
  self.connection = connection
  self.outgoing = {}
  self.state_changed:signal()
  return true
end

---Serves the connection and makes it anew whenever it breaks; runs until `stop`.
---@param queue table the cqueues controller that runs everything
function publisher:run(queue)
  queue:wrap(function()
    while not self.stopped do
      local connection = self.connection
      if connection then
        local ended, reading = condition.new(), true
        queue:wrap(function()
          loops.read(self, connection)
          reading = false
          ended:signal()
        end)
        queue:wrap(loops.keep_alive, self, connection)
        loops.write(self, connection)
        while reading do
          ended:wait()
        end
        connection:close()
      elseif not self:connect() then
        cqueues.sleep(RECONNECT_PAUSE_S)
      end
    end
  end)
end

local function take_id(self)
  repeat
    self.next_id = self.next_id % 65535 + 1
  until not self.waiting[self.next_id]
  return self.next_id
end

-- Waits until the connection is there and, for QoS 1, has room for one more unacknowledged message.
local function wait_for_room(self, qos, deadline)
  while not self.connection or (qos > 0 and self.in_flight >= self.limits.receive_maximum) do
    local left = deadline - cqueues.monotime()
    if left <= 0 then
      return false
    end
    self.state_changed:wait(left)
  end
  return true
end

---Publishes and waits: for QoS 1 until the broker acknowledges, for QoS 0 until the bytes are handed to it.
---@param message iotmsg.emulator.message
---@return boolean|nil ok
---@return string|nil problem
---@return boolean|nil reached for QoS 1: false when the broker says that nobody subscribes to the topic
function publisher:publish(message)
  local patience = self.connection and PUBLISH_TIMEOUT_S or RECONNECT_TIMEOUT_S
  if not wait_for_room(self, message.qos, cqueues.monotime() + patience) then
    return nil, "the broker is not reachable"
  end
  local deadline = cqueues.monotime() + PUBLISH_TIMEOUT_S
  local ticket = { ready = condition.new() }
  if message.qos > 0 then
    ticket.packet_id = take_id(self)
    self.waiting[ticket.packet_id] = ticket
    self.in_flight = self.in_flight + 1
  end
  ticket.bytes = packet.publish(message, ticket.packet_id)
  self.outgoing[#self.outgoing + 1] = ticket
  if #self.outgoing == 1 then
    self.outgoing_changed:signal()
  end
  while not ticket.done do
    local left = deadline - cqueues.monotime()
    if left <= 0 then
      return nil, "the broker did not answer in time"
    end
    ticket.ready:wait(left)
  end
  if ticket.problem then
    return nil, ticket.problem
  end
  return true, nil, ticket.reached
end

---Says goodbye to the broker; whoever still waits is told.
function publisher:stop()
  self.stopped = true
  local connection = self.connection
  if connection then
    connection:xwrite(packet.DISCONNECT_BYTES, "n", 0.1)
    loops.lose(self, connection, "the emulator stops")
  end
end

return publisher
