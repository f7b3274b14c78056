-- The register of actions the Huawei front door knows: one file each, one line each. An action is { name, method,
-- path = a pattern that captures the project id, the device id and what the action names further,
-- run(call, context) }; `run` returns status, document and what to log, or nil and { status, code, message }.

return {
  (require "iotmsg.emulator.huawei.action.create_message"),
  (require "iotmsg.emulator.huawei.action.list_device_messages"),
  (require "iotmsg.emulator.huawei.action.show_device_message"),
}
