-- The messages of each device: ids that are taken, the last twenty messages with their status, and those of them
-- that wait until somebody subscribes to their topic. Publishing, presence and time are given to it; it knows
-- nothing of HTTP or of how messages look.

local ring = require "iotmsg.emulator.ring"
local mqtt_filter = require "iotmsg.emulator.mqtt_filter"

local DEVICES_MAX = 10000
local IDS_MAX = 100000
-- The platform keeps at most this many messages per device; newer ones replace the oldest.
local MESSAGES_MAX = 20

local store = {}
store.__index = store

---@class iotmsg.emulator.huawei.record
---@field message_id string
---@field message iotmsg.emulator.message
---@field ttl_s number 0: not kept when the device is offline
---@field status string|nil PENDING, DELIVERED, FAILED or TIMEOUT; set by the store, as the times are
---@field created_at number|nil seconds since the epoch
---@field finished_at number|nil

---@param options table { publish, presence, now }; without `presence` every device counts as online
---@return table store
function store.new(options)
  local self = setmetatable({
    publish = options.publish, presence = options.presence, now = options.now, devices = ring.new(DEVICES_MAX),
    ids = ring.new(IDS_MAX),
  }, store)
  if self.presence then
    self.presence:on_subscribe(function(filter)
      self:flush(filter)
    end)
  end
  return self
end

local function finish(record, status, at)
  record.status, record.finished_at = status, at
end

-- Nothing runs when a message becomes too old; whoever looks at it next finds out.
local function look_at(self, record)
  if record.status == "PENDING" and self.now() >= record.created_at + record.ttl_s then
    finish(record, "TIMEOUT", record.created_at + record.ttl_s)
  end
  return record
end

-- A subscription that comes while the message is on its way to nobody would be missed: then it is sent again.
local function deliver(self, record)
  local presence = self.presence
  local ok, problem, reached, changes
  record.on_its_way = true
  repeat
    changes = presence and presence.changes
    ok, problem, reached = self.publish(record.message)
  until not ok or reached or not presence or changes == presence.changes
  record.on_its_way = false
  if ok and (reached or not presence) then
    finish(record, "DELIVERED", self.now())
  end
  return ok, problem
end

local function forget(messages, record)
  for index, other in ipairs(messages) do
    if other == record then
      table.remove(messages, index)
    end
  end
end

---Delivers a message, or keeps it for a device that is not there.
---@param device_id string
---@param record iotmsg.emulator.huawei.record
---@return boolean|nil ok
---@return string|nil problem "duplicate", or why the broker did not take it
function store:send(device_id, record)
  local id = device_id .. "/" .. record.message_id
  if self.ids:get(id) then
    return nil, "duplicate"
  end
  self.ids:put(id, true)
  local messages = self.devices:get(device_id)
  if not messages then
    messages = {}
    self.devices:put(device_id, messages)
  end
  record.status, record.created_at = "PENDING", self.now()
  table.insert(messages, record)
  if #messages > MESSAGES_MAX then
    table.remove(messages, 1)
  end
  local ok, problem = deliver(self, record)
  if not ok then
    self.ids:remove(id)
    forget(messages, record)
    return nil, problem
  end
  if record.status == "PENDING" and record.ttl_s == 0 then
    finish(record, "FAILED", self.now())
  end
  return true
end

---Delivers what waits for a topic that the filter covers, in the order it came.
---@param filter string a subscription just made
function store:flush(filter)
  local waiting = {}
  for _, messages in self.devices:each() do
    for _, record in ipairs(messages) do
      if not record.on_its_way and look_at(self, record).status == "PENDING"
        and mqtt_filter.matches(filter, record.message.topic) then
        waiting[#waiting + 1] = record
      end
    end
  end
  for _, record in ipairs(waiting) do
    if not record.on_its_way and record.status == "PENDING" then
      deliver(self, record)
    end
  end
end

---@param device_id string
---@return iotmsg.emulator.huawei.record[] oldest first
function store:list(device_id)
  local messages = self.devices:get(device_id) or {}
  for _, record in ipairs(messages) do
    look_at(self, record)
  end
  return messages
end

---@param device_id string
---@param message_id string
---@return iotmsg.emulator.huawei.record|nil
function store:find(device_id, message_id)
  for _, record in ipairs(self:list(device_id)) do
    if record.message_id == message_id then
      return record
    end
  end
end

return store
