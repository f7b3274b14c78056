-- What is known of devices: which subscriptions the broker has ever seen, and when a new one comes. mosquitto
-- tells every subscription on `$SYS/broker/log/M/subscribe` when its log is told to; the lines come over the
-- connection that publishes, so whoever asks after a publish was answered knows of every earlier subscription.
-- Whether somebody is subscribed now is the broker's answer to each publish, not this file's.

local ring = require "iotmsg.emulator.ring"

local FILTERS_MAX = 10000
-- mosquitto cuts its log lines at about this length.
local LINE_MAX = 500

local presence = {}
presence.__index = presence

presence.TOPIC = "$SYS/broker/log/M/subscribe"

---@return table presence
function presence.new()
  return setmetatable({ filters = ring.new(FILTERS_MAX), changes = 0, listeners = {} }, presence)
end

---@param listener fun(filter: string) called at each new subscription, in a coroutine of its own
function presence:on_subscribe(listener)
  self.listeners[#self.listeners + 1] = listener
end

---@param line string `<time>: <client id> <QoS> <filter>`
---@return string|nil filter
function presence:note(line)
  local filter = line:match("^%S+: .- [012] (.*)$")
  if not filter or filter:find("$SYS/", 1, true) == 1 then
    return nil
  end
  if #line >= LINE_MAX then
    filter = "#"
  end
  self.filters:put(filter, true)
  self.changes = self.changes + 1
  return filter
end

---Whether any subscription, past or present, names the device. One that covers it by wildcards, as an onlooker's does,
---tells nothing of it.
---@param topic string
---@param prefix string beginning of the device's own topics, as `/a1Pk/device1/`
---@return boolean
function presence:has_seen(topic, prefix)
  for filter in self.filters:each() do
    if filter == topic or filter:find(prefix, 1, true) then
      return true
    end
  end
  return false
end

return presence
