-- ShowDeviceMessage of Huawei IoTDA: one message kept for a device, with what became of it.

local document_of = require "iotmsg.emulator.huawei.record_document"

local function run(call, context)
  local record = context.store:find(call.device_id, call.rest)
  if not record then
    return nil, { status = 404, code = "IOTDA.000029", message = "The message does not exist." }
  end
  return 200, document_of(record), record.status
end

return {
  name = "ShowDeviceMessage",
  method = "GET",
  path = "^/v5/iot/([^/]+)/devices/([^/]+)/messages/([^/]+)/?$",
  run = run,
}
