-- Where a product is reached: an endpoint the user names, or the one its region has. Pure; no discovery call is made.

local Error = require "iotmsg.error"
local text = require "iotmsg.text"

local M = {}

-- Regions where the products answer. Sources: Alibaba Cloud, "Regions" of IoT Platform, and of ApsaraMQ for MQTT;
-- Huawei Cloud's SDK, iotda_region. Dedicated IoTDA instances have hosts of their own, which the console shows.
local PRODUCTS = {
  OnsMqtt = {
    host = "onsmqtt.%s.aliyuncs.com",
    regions = {
      "cn-qingdao", "cn-beijing", "cn-zhangjiakou", "cn-huhehaote", "cn-wulanchabu", "cn-hangzhou", "cn-shanghai",
      "cn-shenzhen", "cn-guangzhou", "cn-chengdu", "cn-hongkong", "cn-hangzhou-finance", "cn-shanghai-finance-1",
      "cn-shenzhen-finance-1", "cn-heyuan-acdr-1", "ap-northeast-1", "ap-southeast-1", "ap-southeast-3",
      "ap-southeast-5", "ap-southeast-6", "eu-central-1", "eu-west-1", "us-west-1", "us-east-1", "me-central-1",
      "mq-internet-access",
    },
  },
  IoTDA = {
    host = "iotda.%s.myhuaweicloud.com",
    regions = {
      "cn-north-4", "cn-south-1", "cn-south-4", "cn-east-3", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3",
      "af-south-1", "me-east-1", "la-south-2", "la-north-2", "sa-brazil-1", "ru-moscow-1",
    },
  },
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
  local number = host and (port == "" and 443 or tonumber(port:match("^:(%d+)$")))
  if not number or number < 1 or number > 65535 then
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
  if not product then
    return nil, Error.invalid("endpoint", ("must be given for the product %s"):format(product_name))
  end
  for _, known in ipairs(product.regions) do
    if known == region then return M.parse("region", product.host:format(region)) end
  end
  return nil, no_region(product, region)
end

---@param endpoint iotmsg.Endpoint
---@return string? region of a dedicated IoTDA instance: <id>.<x>.iotda-app.<region>.myhuaweicloud.com
function M.dedicated_region(endpoint)
  return endpoint.authority:gsub(":%d+$", ""):match("^[%w-]+%.[%w-]+%.iotda%-app%.([%w-]+)%.myhuaweicloud%.com$")
end

---@param endpoint iotmsg.Endpoint
---@return string? region of any IoTDA host
function M.iotda_region(endpoint)
  return M.dedicated_region(endpoint) or endpoint.authority:match("^iotda%.([%w-]+)%.myhuaweicloud%.com")
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
  local variables = product == "IoTDA" and "IOTMSG_HUAWEI_ENDPOINT" or "IOTMSG_ENDPOINT or ALIBABA_CLOUD_REGION_ID"
  return nil, Error.invalid("endpoint", "or region must be given: pass endpoint or region as an option, or set "
    .. variables)
end

return M
