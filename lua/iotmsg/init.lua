-- iotmsg: sends a message from a server to an IoT device through the clouds people use. The public surface and nothing
-- else; README.md tells how to use it.

local call = require "iotmsg.call"
local client_of = require "iotmsg.client"
local families = require "iotmsg.family"
local pollable = require "iotmsg.host.pollable"
local sign = require "iotmsg.sign"
local status = require "iotmsg.operation.huawei_status"
local version = require "iotmsg.version"

-- The functions of a family: new, configure, and its clients' methods on a client behind them, which is made at first
-- use with what the environment says.
local function face_of(name, face)
  local default

  face.new = function(options)
    return client_of.new(name, options)
  end

  ---Replaces the client behind the functions.
  ---@param options table?
  ---@return true?
  ---@return iotmsg.Error? err kind invalid_argument
  face.configure = function(options)
    local client, err = client_of.new(name, options)
    if not client then return nil, err end
    default = client
    return true
  end

  local function on_default(method)
    return function(first, ...)
      if first == face then error(("call it with a dot: %s is a function of the module"):format(method), 2) end
      default = default or assert(client_of.new(name))
      return default[method](default, first, ...)
    end
  end

  face.start = on_default "start"
  face.prepare = on_default "prepare"
  for operation in pairs(families[name].operations) do face[operation] = on_default(operation) end
  return face
end

local M = face_of("aliyun", {
  _VERSION = version,
  base64 = sign.base64,
  sign = { aliyun_v1 = sign.aliyun_v1, aliyun_v3 = sign.aliyun_v3, huawei = sign.huawei },
  poll = call.poll,
  wait_all = call.wait_all,
  drain = call.drain,
  pollable = pollable.get,
})

M.huawei = face_of("huawei", { parse_status = status.parse })

return M
