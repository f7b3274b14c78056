-- The options of a client: names, types, defaults. A call may override any of them; false takes one away.

local check = require "iotmsg.check"
local environment = require "iotmsg.environment"
local Error = require "iotmsg.error"

local M = {}

local function duration(name)
  return { name = name, type = "integer", min = 1, max = 24 * 3600 * 1000 }
end

local function endpoint(value)
  if type(value) == "string" then return value end
  if type(value) ~= "table" then return nil, "must be a host, a base URL, or a table of them by product" end
  for product, host in pairs(value) do
    if product ~= "Iot" and product ~= "OnsMqtt" then
      return nil, ('must map "Iot" or "OnsMqtt" to a host, not %s'):format(tostring(product))
    end
    if type(host) ~= "string" then return nil, "must be a host or a base URL", "endpoint." .. product end
  end
  return { Iot = value.Iot, OnsMqtt = value.OnsMqtt }
end

local function max_qps(value)
  local rates = {}
  for name, rate in pairs(type(value) == "table" and value or { value }) do
    if rate ~= false and (type(rate) ~= "number" or rate ~= rate or rate <= 0 or rate == math.huge) then
      return nil, "must be a number above 0, a table of them by operation, or false",
        type(value) == "table" and "max_qps." .. tostring(name) or nil
    end
    rates[name] = rate
  end
  return type(value) == "table" and rates or value
end

M.rules = check.rules {
  { name = "access_key_id", type = "string", max = 256 },
  { name = "access_key_secret", type = "string", max = 1024 },
  { name = "security_token", type = "string", max = 32768 },
  { name = "credentials", type = "function" },
  { name = "region", type = "string", max = 64, pattern = "^[%w-]+$",
    says = "must be a region id such as cn-shanghai" },
  { name = "endpoint", type = "any", read = endpoint },
  { name = "iot_instance_id", type = "string", max = 128 },
  { name = "signature", type = "string", one_of = { "v3", "v1" } },
  { name = "format", type = "string", one_of = { "json", "xml" } },
  duration "timeout_ms",
  duration "connect_timeout_ms",
  { name = "retry", type = "string", one_of = { "safe", "at_least_once", "off" } },
  { name = "max_attempts", type = "integer", min = 1, max = 100 },
  { name = "max_qps", type = "any", read = max_qps },
  { name = "max_connections", type = "integer", min = 1, max = 10000 },
  { name = "max_pending", type = "integer", min = 1, max = 10000000 },
  { name = "max_pending_bytes", type = "integer", min = 1, max = 2 ^ 40 },
  { name = "ca_file", type = "string", max = 4096 },
  { name = "client_cert", type = "string", max = 4096 },
  { name = "client_key", type = "string", max = 4096 },
  { name = "tls_verify", type = "boolean" },
  { name = "proxy", type = "string", max = 4096, pattern = "^https?://[^%s]+$",
    says = "must be an http:// or https:// URL" },
  { name = "http_version", type = "string", one_of = { "auto", "1.1", "2" } },
  { name = "on_event", type = "function" },
}

-- What holds where neither the client nor the call says otherwise.
M.defaults = {
  signature = "v3",
  format = "json",
  timeout_ms = 15000,
  connect_timeout_ms = 5000,
  retry = "safe",
  max_attempts = 4,
  max_connections = 64,
  max_pending = 10000,
  max_pending_bytes = 64 * 1024 * 1024,
  tls_verify = true,
  http_version = "auto",
}

-- The defaults with what the environment says. An endpoint or region of the caller's leaves out both of its own.
local function base_for(given)
  local base = {}
  for name, value in pairs(M.defaults) do base[name] = value end
  if given.endpoint == nil and given.region == nil then
    base.endpoint, base.region = environment.IOTMSG_ENDPOINT, environment.ALIBABA_CLOUD_REGION_ID
  end
  base.iot_instance_id = environment.IOTMSG_IOT_INSTANCE_ID
  base.ca_file = environment.IOTMSG_CA_FILE
  return base
end

-- What makes sense only together; checked on the resolved settings.
local function check_pairs(settings)
  if settings.access_key_id and not settings.access_key_secret then
    return Error.invalid("access_key_secret", "must be given with access_key_id")
  end
  if settings.access_key_secret and not settings.access_key_id then
    return Error.invalid("access_key_id", "must be given with access_key_secret")
  end
  if settings.client_key and not settings.client_cert then
    return Error.invalid("client_cert", "must be given with client_key")
  end
end

---Settings: the base's, with the given options laid over them. nil options give the base itself.
---@param base table settings
---@param given table? checked option values; false takes one away
---@return table? settings never changed afterwards
---@return iotmsg.Error? err
function M.resolve(base, given)
  if not given then return base end
  local settings = {}
  for name, value in pairs(base) do settings[name] = value end
  settings.memo = {} -- what others derive from these settings once: endpoints, the route
  for name, value in pairs(given) do
    if value == false and name ~= "max_qps" and name ~= "tls_verify" then
      settings[name] = M.defaults[name]
    else
      settings[name] = value
    end
  end
  -- Keys given here replace the base's other source of keys, and the other way round.
  if given.access_key_id then
    if not given.security_token then settings.security_token = nil end
    settings.credentials = given.credentials or nil
  elseif given.credentials then
    settings.access_key_id, settings.access_key_secret, settings.security_token = nil, nil, nil
  end
  local err = check_pairs(settings)
  if err then return nil, err end
  return settings
end

---@param rule iotmsg.Rule
---@param value any false takes the option away
---@return any value
---@return iotmsg.Error? err
function M.value(rule, value)
  if value == false then return false end
  return check.value(rule, value)
end

---@param given table? what a caller passed to new or configure
---@return table? settings
---@return iotmsg.Error? err
function M.read(given)
  if given ~= nil and type(given) ~= "table" then
    return nil, Error.invalid("options", "must be a table, not " .. type(given))
  end
  local checked = {}
  for name, value in pairs(given or {}) do
    local rule = M.rules.by_name[name]
    if not rule then return nil, check.unknown(name, { M.rules }) end
    local ours, err = M.value(rule, value)
    if err then return nil, err end
    checked[name] = ours
  end
  return M.resolve(base_for(checked), checked)
end

return M
