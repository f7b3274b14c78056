-- The three loops that serve one connection of the MQTT publisher: they move packets between its queue, its waiting
-- tickets and the socket. When they run and what is published is mqtt.lua's matter.

local cqueues = require "cqueues"
local condition = require "cqueues.condition"

local mqtt_connection = require "iotmsg.emulator.mqtt_connection"
local packet = require "iotmsg.emulator.mqtt_packet"
local subscription = require "iotmsg.emulator.mqtt_subscription"

local NO_MATCHING_SUBSCRIBERS = 16

local mqtt_loops = {}

local function settle(ticket, problem, reached)
  ticket.done, ticket.problem, ticket.reached = true, problem, reached
  ticket.ready:signal()
end

---Tells everybody who waits. Both loops of a connection may find it broken; the first one counts, and never for a newer
---connection.
---@param self table the publisher
---@param connection table
---@param reason string
function mqtt_loops.lose(self, connection, reason)
  if self.connection ~= connection then
    return
  end
  self.connection = nil
  local waiting, outgoing = self.waiting, self.outgoing
  self.waiting, self.outgoing, self.in_flight = {}, {}, 0
  for _, ticket in pairs(waiting) do
    settle(ticket, reason)
  end
  for _, ticket in ipairs(outgoing) do
    settle(ticket, reason)
  end
  -- Wakes the loop that still polls the descriptor; closing it is left to `run`, when both have ended.
  connection:shutdown("rw")
  self.outgoing_changed:signal()
end

---Sends what is queued, whole packets in order, until the connection is lost.
---@param self table the publisher
---@param connection table
function mqtt_loops.write(self, connection)
  while self.connection == connection do
    local queued = self.outgoing
    if #queued == 0 then
      self.outgoing_changed:wait()
    else
      self.outgoing = {}
      local bytes = {}
      for index = 1, #queued do
        bytes[index] = queued[index].bytes
      end
      local ok = connection:xwrite(table.concat(bytes), "n")
      local problem = not ok and "the connection to the broker broke" or nil
      for index = 1, #queued do
        if problem or not queued[index].packet_id then
          settle(queued[index], problem)
        end
      end
      if problem then
        return mqtt_loops.lose(self, connection, problem)
      end
    end
  end
end

---Hands each PUBACK to the ticket that waits, and each PUBLISH to who listens, until the connection is lost.
---@param self table the publisher
---@param connection table
function mqtt_loops.read(self, connection)
  while self.connection == connection do
    local kind, body = mqtt_connection.read(connection)
    if not kind or kind == packet.DISCONNECT then
      return mqtt_loops.lose(self, connection, "the broker closed the connection")
    end
    local id, reason
    if kind == subscription.PUBLISH and self.listening then
      local _, payload = subscription.read_publish(body)
      self.listening.handle(payload)
    elseif kind == packet.PUBACK then
      id, reason = packet.read_puback(body)
    end
    local ticket = id and self.waiting[id]
    if ticket then
      self.waiting[id] = nil
      self.in_flight = self.in_flight - 1
      local refused = reason >= 128 and ("it refused the message (MQTT reason code 0x%02X)"):format(reason)
      settle(ticket, refused or nil, reason ~= NO_MATCHING_SUBSCRIBERS)
      self.state_changed:signal(1)
    end
  end
end

---Lets the broker hear from us often enough.
---@param self table the publisher
---@param connection table
function mqtt_loops.keep_alive(self, connection)
  local pause = (self.limits.keepalive_s or self.keepalive_s) / 2
  while self.connection == connection do
    self.outgoing[#self.outgoing + 1] = { bytes = packet.PINGREQ_BYTES, ready = condition.new() }
    self.outgoing_changed:signal()
    cqueues.sleep(pause)
  end
end

return mqtt_loops
