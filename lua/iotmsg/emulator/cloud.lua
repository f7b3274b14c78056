-- All front doors of the local cloud, assembled from the operator's options: what they share (who is known, what is
-- published, which devices there are) is made here once.

local actions = require "iotmsg.emulator.action"
local clock = require "iotmsg.emulator.clock"
local control = require "iotmsg.emulator.control"
local huawei = require "iotmsg.emulator.huawei"
local huawei_actions = require "iotmsg.emulator.huawei.action"
local huawei_caller = require "iotmsg.emulator.huawei.caller"
local iam = require "iotmsg.emulator.iam"
local message_id = require "iotmsg.emulator.message_id"
local rpc = require "iotmsg.emulator.rpc"
local rules = require "iotmsg.emulator.rules"
local store = require "iotmsg.emulator.huawei.store"
local token = require "iotmsg.emulator.huawei.token"

local cloud = {}

-- What a caller may be told when no project was named.
cloud.PROJECT_ID = "0123456789abcdef0123456789abcdef"

local function set_of(names)
  local set = {}
  for name in (names or ""):gmatch("[^,]+") do
    set[name] = true
  end
  return function(name)
    return set[name] == true
  end
end

local function new_rpc(options, shared)
  return rpc.new({
    identity = options,
    actions = actions,
    now = clock.now,
    business_status = options.business_status,
    context = {
      publish = shared.publish,
      presence = shared.presence,
      is_unknown = shared.is_unknown,
      next_message_id = message_id.sequence(clock.now()),
      iot_instance_id = options.iot_instance_id,
      instance_id = options.instance_id,
    },
  })
end

local function new_caller(options, tokens, derived)
  return huawei_caller.new({
    access_key_id = options.access_key_id,
    access_key_secret = options.access_key_secret,
    security_token = options.security_token,
    derived = derived,
    region = options.huawei_region,
    tokens = tokens,
  })
end

local function new_huawei(options, shared, tokens)
  return huawei.new({
    actions = huawei_actions,
    caller = new_caller(options, tokens, options.huawei_derived),
    now = clock.now,
    project_id = options.project_id,
    is_unknown = shared.is_unknown,
    context = {
      minute_s = options.ttl_minute,
      store = store.new({ publish = shared.publish, presence = shared.presence, now = clock.now }),
    },
  })
end

local function new_iam(options, tokens)
  return iam.new({
    user = options.iam_user,
    password = options.iam_password,
    domain = options.iam_domain,
    project_id = options.project_id or cloud.PROJECT_ID,
    tokens = tokens,
    caller = new_caller(options, tokens, false),
    now = clock.now,
  })
end

---@param options iotmsg.emulator.options
---@param publish fun(message: iotmsg.emulator.message): boolean|nil, string|nil, boolean|nil
---@param presence table|nil presence.new(); nil when the broker does not tell who subscribes
---@return table[] doors
---@return table rules
function cloud.new(options, publish, presence)
  local shared = { publish = publish, presence = presence, is_unknown = set_of(options.unknown_devices) }
  local tokens = token.new(options.token_lifetime)
  local told = rules.new()
  local doors = { new_huawei(options, shared, tokens), new_iam(options, tokens), new_rpc(options, shared) }
  if control.may_open(options.listen.host) then
    table.insert(doors, 1, control.new(told))
  end
  return doors, told
end

return cloud
