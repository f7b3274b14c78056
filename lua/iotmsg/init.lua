-- iotmsg: sends a message from a server to an IoT device through the clouds people use. The public surface and nothing
-- else; README.md tells how to use it.

local call = require "iotmsg.call"
local client_of = require "iotmsg.client"
local operations = require "iotmsg.operation"
local pollable = require "iotmsg.host.pollable"
local sign = require "iotmsg.sign"
local version = require "iotmsg.version"

local M = {
  _VERSION = version,
  base64 = sign.base64,
  sign = { aliyun_v1 = sign.aliyun_v1, aliyun_v3 = sign.aliyun_v3 },
  new = client_of.new,
  poll = call.poll,
  wait_all = call.wait_all,
  drain = call.drain,
  pollable = pollable.get,
}

local default -- the client behind the module's own functions

---Replaces the client behind the module's own functions.
---@param options table?
---@return true?
---@return iotmsg.Error? err kind invalid_argument
function M.configure(options)
  local client, err = client_of.new(options)
  if not client then return nil, err end
  default = client
  return true
end

local function on_default(method)
  return function(...)
    default = default or assert(client_of.new())
    return default[method](default, ...)
  end
end

M.start = on_default("start")
M.prepare = on_default("prepare")
for name in pairs(operations) do M[name] = on_default(name) end

return M
