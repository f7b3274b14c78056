-- A kept message as ListDeviceMessages and ShowDeviceMessage show it.

local clock = require "iotmsg.emulator.clock"

---@param record iotmsg.emulator.huawei.record with `fields` of its own
---@return table document as json.encode takes it
return function(record)
  local fields = { { "message_id", record.message_id } }
  for _, field in ipairs(record.fields) do
    fields[#fields + 1] = field
  end
  fields[#fields + 1] = { "status", record.status }
  fields[#fields + 1] = { "created_time", clock.compact(record.created_at) }
  fields[#fields + 1] = { "finished_time", record.finished_at and clock.compact(record.finished_at) }
  return { fields = fields }
end
