-- ListDeviceMessages of Huawei IoTDA: the messages kept for a device, newest first.

local document_of = require "iotmsg.emulator.huawei.record_document"

local function run(call, context)
  local messages = {}
  for _, record in ipairs(context.store:list(call.device_id)) do
    table.insert(messages, 1, document_of(record))
  end
  return 200, { fields = { { "device_id", call.device_id }, { "messages", messages } } }, tostring(#messages)
end

return {
  name = "ListDeviceMessages",
  method = "GET",
  path = "^/v5/iot/([^/]+)/devices/([^/]+)/messages/?$",
  run = run,
}
