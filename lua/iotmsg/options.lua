-- The options of a client: names, types, defaults. A call may override any of them; false takes one away. Two families
-- of clients share most of theirs and differ in how a caller is known and where the cloud is.

local check = require "iotmsg.check"
local environment = require "iotmsg.environment"
local Error = require "iotmsg.error"
local text = require "iotmsg.text"

local M = {}

local function duration(name)
  return { name = name, type = "integer", min = 1, max = 24 * 3600 * 1000 }
end

local function path(name)
  return { name = name, type = "string", max = 4096 }
end

local function secret(name, max)
  return { name = name, type = "string", max = max, secret = true }
end

-- One host for all products, or one for each.
local function endpoint_of(products)
  return function(value)
    if type(value) == "string" then return value end
    if #products == 0 then return nil, "must be a host or a base URL, not a " .. type(value) end
    if type(value) ~= "table" then return nil, "must be a host, a base URL, or a table of them by product" end
    local hosts = {}
    for product, host in pairs(value) do
      local nearest = text.nearest(tostring(product), products)
      if nearest ~= product then
        return nil, ("maps %s, which is none of %s"):format(tostring(product), table.concat(products, ", "))
      end
      if type(host) ~= "string" then return nil, "must be a host or a base URL", "endpoint." .. product end
      hosts[product] = host
    end
    return hosts
  end
end

local RATE = "must be a number above 0, a table of them by operation, or false"

local function is_rate(value)
  return value == false or type(value) == "number" and value == value and value > 0 and value ~= math.huge
end

local function max_qps_of(operation_names) -- a list that family.lua fills
  return function(value)
    if type(value) ~= "table" then
      if is_rate(value) then return value end
      return nil, RATE
    end
    local rates = {}
    for name, rate in pairs(value) do
      local field = "max_qps." .. tostring(name)
      local nearest = text.nearest(tostring(name), operation_names)
      if nearest ~= name then
        return nil, "is no operation" .. (nearest and ("; did you mean %q?"):format(nearest) or ""), field
      end
      if not is_rate(rate) then return nil, RATE, field end
      rates[name] = rate
    end
    return rates
  end
end

-- What both families have.
local function common_rules(products, operation_names)
  return {
    { name = "access_key_id", type = "string", max = 256 },
    secret("access_key_secret", 1024),
    secret("security_token", 32768),
    { name = "credentials", type = "function", secret = true },
    { name = "region", type = "string", max = 64, pattern = "^[%w-]+$",
      says = "must be a region id such as " .. (#products > 0 and "cn-shanghai" or "cn-north-4") },
    { name = "endpoint", type = "any", read = endpoint_of(products) },
    { name = "instance_id", type = "string", max = 128, only_default = true },
    duration "timeout_ms",
    duration "connect_timeout_ms",
    { name = "retry", type = "string", one_of = { "safe", "at_least_once", "off" } },
    { name = "max_attempts", type = "integer", min = 1, max = 100 },
    { name = "max_qps", type = "any", read = max_qps_of(operation_names) },
    { name = "max_connections", type = "integer", min = 1, max = 10000 },
    { name = "max_pending", type = "integer", min = 1, max = 10000000 },
    { name = "max_pending_bytes", type = "integer", min = 1, max = 2 ^ 40 },
    path "ca_file",
    path "client_cert",
    path "client_key",
    { name = "tls_verify", type = "boolean" },
    { name = "proxy", type = "string", max = 4096, pattern = "^https?://[^%s]+$", secret = true,
      says = "must be an http:// or https:// URL" },
    { name = "http_version", type = "string", one_of = { "auto", "1.1", "2" } },
    { name = "on_event", type = "function" },
  }
end

-- What holds where neither the client nor the call says otherwise.
local DEFAULTS = {
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

local function needs(settings, name, other)
  if settings[name] and not settings[other] then
    return Error.invalid(other, "must be given with " .. name)
  end
end

---@class iotmsg.Options
---@field rules iotmsg.Rules
---@field defaults table
---@field variables table<string, string> option -> environment variable
local Options = {}
Options.__index = Options

-- The defaults with what the environment says. An endpoint or region of the caller's leaves out both of its own.
function Options:base_for(given)
  local base = {}
  for name, value in pairs(self.defaults) do base[name] = value end
  local placed = given.endpoint or given.region
  for name, variable in pairs(self.variables) do
    if not (placed and (name == "endpoint" or name == "region")) then base[name] = environment[variable] end
  end
  return base
end

-- The ways to tell who calls, each by its first option: one that is given for this client or call replaces all that the
-- base had, and no two go together.
local WAYS = {
  { "access_key_id", "access_key_secret", "security_token" },
  { "credentials" },
  { "auth_token" },
  { "username", "password", "domain_name" },
}

-- The way that is given, or an error where there are two.
local function way_of(given)
  local first
  for _, names in ipairs(WAYS) do
    local way = names[1]
    if given[way] and first then return nil, Error.invalid(way, ("and %s exclude each other"):format(first)) end
    first = given[way] and way or first
  end
  return first
end

local function replace_keys(settings, given, way)
  if way then
    for _, names in ipairs(WAYS) do
      for _, name in ipairs(names) do
        if names[1] ~= way or not given[name] then settings[name] = nil end
      end
    end
  end
  if given.region and not given.endpoint then settings.endpoint = nil end
end

---Settings: the base's, with the given options laid over them. nil options give the base itself.
---@param base table settings
---@param given table? checked option values; false takes one away
---@return table? settings never changed afterwards
---@return iotmsg.Error? err
function Options:resolve(base, given)
  if not given then return base end
  local settings = {}
  for name, value in pairs(base) do settings[name] = value end
  settings.memo = {} -- what others derive from these settings once: endpoints, the route
  for name, value in pairs(given) do
    if value == false and self.rules.by_name[name].type ~= "boolean" and name ~= "max_qps" then
      settings[name] = self.defaults[name]
    else
      settings[name] = value
    end
  end
  local way, err = way_of(given)
  if err then return nil, err end
  replace_keys(settings, given, way)
  err = needs(settings, "access_key_id", "access_key_secret")
    or needs(settings, "access_key_secret", "access_key_id") or needs(settings, "security_token", "access_key_id")
    or needs(settings, "client_key", "client_cert") or self.check and self.check(settings, needs)
  if err then return nil, err end
  return settings
end

---@param rule iotmsg.Rule
---@param value any false takes the option away
---@return any value
---@return iotmsg.Error? err
function Options.value(rule, value)
  if value == false then return false end
  return check.value(rule, value)
end

---@param given table? what a caller passed to new or configure
---@return table? settings
---@return iotmsg.Error? err
function Options:read(given)
  if given ~= nil and type(given) ~= "table" then
    return nil, Error.invalid("options", "must be a table, not " .. type(given))
  end
  local checked = {}
  for name, value in pairs(given or {}) do
    local rule = self.rules.by_name[name]
    if not rule then return nil, check.unknown(name, { self.rules }) end
    local ours, err = self.value(rule, value)
    if err then return nil, err end
    checked[name] = ours
  end
  return self:resolve(self:base_for(checked), checked)
end

---Tells the names under which max_qps may speak of operations.
---@param names string[]
function Options:name_operations(names)
  for i, name in ipairs(names) do self.operations[i] = name end
end

-- family: products, rules and defaults of its own, variables, check
local function family(own)
  local operations = {}
  local list = common_rules(own.products, operations)
  for _, rule in ipairs(own.rules) do list[#list + 1] = rule end
  local defaults = {}
  for _, from in ipairs { DEFAULTS, own.defaults } do
    for name, value in pairs(from) do defaults[name] = value end
  end
  return setmetatable({ rules = check.rules(list), operations = operations, defaults = defaults,
    variables = own.variables, check = own.check }, Options)
end

---Alibaba Cloud.
---@type iotmsg.Options
M.aliyun = family {
  products = { "Iot", "OnsMqtt" },
  rules = {
    { name = "iot_instance_id", type = "string", max = 128, only_default = true },
    { name = "signature", type = "string", one_of = { "v3", "v1" } },
    { name = "format", type = "string", one_of = { "json", "xml" } },
  },
  defaults = { signature = "v3", format = "json" },
  variables = {
    endpoint = "IOTMSG_ENDPOINT", region = "ALIBABA_CLOUD_REGION_ID", iot_instance_id = "IOTMSG_IOT_INSTANCE_ID",
    ca_file = "IOTMSG_CA_FILE",
  },
}

---Huawei Cloud.
---@type iotmsg.Options
M.huawei = family {
  products = {},
  rules = {
    { name = "project_id", type = "string", max = 128, only_default = true, pattern = "^[%w_-]+$",
      says = "must consist of letters, digits, _ and -" },
    secret("auth_token", 100000),
    { name = "username", type = "string", max = 256 },
    secret("password", 1024),
    { name = "domain_name", type = "string", max = 256 },
    { name = "iam_endpoint", type = "string", max = 256 },
    { name = "derived", type = "boolean" },
  },
  defaults = {},
  variables = {
    endpoint = "IOTMSG_HUAWEI_ENDPOINT", project_id = "HUAWEICLOUD_SDK_PROJECT_ID",
    iam_endpoint = "HUAWEICLOUD_SDK_IAM_ENDPOINT", ca_file = "IOTMSG_CA_FILE",
  },
  check = function(settings)
    return needs(settings, "username", "password") or needs(settings, "username", "domain_name")
      or needs(settings, "password", "username") or needs(settings, "domain_name", "username")
  end,
}

return M
