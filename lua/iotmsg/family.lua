-- The clouds a client can be for: their operations, options and sources of credentials. A new operation is one file in
-- operation/ and one line here.

local credentials = require "iotmsg.credentials"
local options = require "iotmsg.options"

---@class iotmsg.Family
---@field operations table<string, table> by the name of the client's method
---@field options iotmsg.Options
---@field credentials fun(settings: table, message: table): iotmsg.Credentials?, iotmsg.Error?, table?

---@type table<string, iotmsg.Family>
local M = {
  aliyun = {
    operations = {
      pub = require "iotmsg.operation.pub",
      async_rrpc = require "iotmsg.operation.async_rrpc",
      send_message = require "iotmsg.operation.send_message",
      call = (require "iotmsg.operation.call"),
    },
    options = options.aliyun,
    credentials = credentials.aliyun,
  },
  huawei = {
    operations = {
      send = (require "iotmsg.operation.huawei_send"),
    },
    options = options.huawei,
    credentials = credentials.huawei,
  },
}

for _, family in pairs(M) do
  local names = {}
  for name, operation in pairs(family.operations) do
    operation.method = name
    names[#names + 1] = name
  end
  table.sort(names)
  family.options:name_operations(names)
end

return M
