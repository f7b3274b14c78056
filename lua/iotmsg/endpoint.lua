-- Where a product is reached: an endpoint the user names, or the one its region has. Pure; no discovery call is made.

local Error = require "iotmsg.error"
local text = require "iotmsg.text"

local M = {}

-- Regions where the products answer. Sources: Alibaba Cloud, "Regions" of IoT Platform.
local PRODUCTS = {
  Iot = {
    host = "iot.%s.aliyuncs.com",
    regions = {
      "cn-shanghai", "cn-beijing", "cn-shenzhen", "ap-southeast-1", "ap-northeast-1", "us-west-1", "us-east-1",
      "eu-central-1",
    },
  },
}

---@class iotmsg.Endpoint
---@field scheme string
---@field authority string host, with its port where it is not the scheme's own
---@field url string scheme and authority

local DEFAULT_PORTS = { https = "443", http = "80" }

---@param name string what to call it in an error
---@param endpoint string a host as the console shows it, or a base URL
---@return iotmsg.Endpoint?
---@return iotmsg.Error? err kind invalid_argument
function M.parse(name, endpoint)
  local scheme, rest = endpoint:match("^(%a[%w+.-]*)://(.*)$")
  scheme, rest = scheme and scheme:lower() or "https", (rest or endpoint):gsub("/$", "")
  if not DEFAULT_PORTS[scheme] then
    return nil, Error.invalid(name, "must be https or http, not " .. scheme)
  end
  local host, port = rest:match("^(%[[%x:.]+%])(.*)$")
  if not host then host, port = rest:match("^([%w._-]+)(.*)$") end
  if not host or port ~= "" and not port:find("^:%d+$") or tonumber(port:sub(2) ~= "" and port:sub(2) or 1) > 65535 then
    return nil, Error.invalid(name, "must be a host as the console shows it, or a base URL such as "
      .. "https://iot.cn-shanghai.aliyuncs.com, without path and user")
  end
  local authority = host:lower()
  if port ~= "" and port ~= ":" .. DEFAULT_PORTS[scheme] then authority = authority .. port end
  return { scheme = scheme, authority = authority, url = scheme .. "://" .. authority }
end

local function no_region(product, region)
  local near = text.nearest(region, product.regions)
  return Error.invalid("region", ("%q does not have this service%s; it is in %s"):format(region,
    near and (" (did you mean %s?)"):format(near) or "", table.concat(product.regions, ", ")))
end

local function by_region(product_name, region)
  local product = PRODUCTS[product_name]
  for _, known in ipairs(product.regions) do
    if known == region then return M.parse("region", product.host:format(region)) end
  end
  return nil, no_region(product, region)
end

---@param settings table
---@param product string the vendor's product code
---@return iotmsg.Endpoint?
---@return iotmsg.Error? err kind invalid_argument
function M.resolve(settings, product)
  local memo = settings.memo
  if memo[product] then return memo[product] end
  local given, resolved, err = settings.endpoint, nil, nil
  if type(given) == "table" then given = given[product] end
  if given then
    resolved, err = M.parse("endpoint", given)
  elseif settings.region then
    resolved, err = by_region(product, settings.region)
  end
  memo[product] = resolved
  if resolved or err then return resolved, err end
  return nil, Error.invalid("endpoint", "or region must be given: pass endpoint or region as an option, "
    .. "or set IOTMSG_ENDPOINT or ALIBABA_CLOUD_REGION_ID")
end

return M
