-- The register of actions the RPC front door knows: one file each, one line each. An action is { product,
-- version, name, methods, parameters, run(values, context) }; `run` returns the reply's fields and what to
-- log, or nil and a problem: { code, message } for a business error, with `status` for a gateway error.

return {
  (require "iotmsg.emulator.action.async_rrpc"),
  (require "iotmsg.emulator.action.pub"),
  (require "iotmsg.emulator.action.send_message"),
}
