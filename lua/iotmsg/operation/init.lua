-- The operations a client has. A new one is one file in this folder and one line here.

return {
  pub = require "iotmsg.operation.pub",
}
