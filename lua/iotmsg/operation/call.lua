-- call: any of Alibaba's RPC-style actions, for what has no operation of its own. Source: Alibaba Cloud, "Request
-- syntax and signature method"; lists and structures are flattened to Name.N and Name.N.Key.

local check = require "iotmsg.check"
local rpc = require "iotmsg.operation.rpc"
local text = require "iotmsg.text"

local MAX_DEPTH = 20

local COMMON = { Action = true, Version = true, Format = true, Timestamp = true, SignatureMethod = true,
  SignatureVersion = true, SignatureNonce = true, Signature = true, AccessKeyId = true, SecurityToken = true }

local function scalar(value)
  if type(value) == "string" then
    if not text.is_utf8(value) then return nil, "must be valid UTF-8" end
    return value
  end
  if type(value) == "boolean" then return tostring(value) end
  if type(value) ~= "number" then return nil, "must be a string, a number, a boolean or a table of them" end
  if value ~= value or value == math.huge or value == -math.huge then return nil, "is not a number that can be sent" end
  if value == math.floor(value) and math.abs(value) <= 2 ^ 53 then return ("%d"):format(value) end
  if text.is_integer(value) then return tostring(value) end
  if value == math.floor(value) then return nil, "is an integer beyond 2^53: send it as a string" end
  return text.shortest(value)
end

-- Returns what is wrong, and where.
local function flatten(value, name, flat, depth)
  if type(value) ~= "table" then
    local sent, what = scalar(value)
    if not sent then return what, name end
    if flat[name] then return "stands for a parameter that is there twice", name end
    flat[name] = sent
    return
  end
  if next(value) == nil then return "is an empty table, which cannot be sent", name end
  if depth > MAX_DEPTH then return ("is nested deeper than %d levels"):format(MAX_DEPTH), name end
  for key, item in pairs(value) do
    if type(key) ~= "string" and (type(key) ~= "number" or key < 1 or key ~= math.floor(key)) then
      return "has a key that is neither a name nor an index", name
    end
    if type(key) == "number" then key = ("%d"):format(key) end
    local what, where = flatten(item, name == "" and key or name .. "." .. key, flat, depth + 1)
    if what then return what, where end
  end
end

local function parameters(name)
  local function read(value)
    if type(value) ~= "table" then return nil, "must be a table, not a " .. type(value) end
    local flat = {}
    if next(value) == nil then return flat end
    local what, where = flatten(value, "", flat, 1)
    if what then return nil, what, name .. "." .. where end
    for common in pairs(COMMON) do
      if flat[common] then return nil, "is a common parameter, which iotmsg sets itself", name .. "." .. common end
    end
    return flat
  end
  return { name = name, type = "any", read = read }
end

local function word(name, pattern, says)
  return { name = name, type = "string", required = true, max = 128, pattern = pattern, says = says }
end

---@class iotmsg.CallParameters
---@field product string the vendor's product code: "Iot", "OnsMqtt", …; others than these two need an endpoint
---@field version string e.g. "2018-01-20"
---@field action string case counts
---@field params table? sent in the query
---@field form table? sent in the body

local M = { name = "call", from_settings = {} }

M.rules = check.rules {
  word("product", "^[%w-]+$", "must be a product code such as Iot"),
  word("version", "^%d%d%d%d%-%d%d%-%d%d$", "must be a date such as 2018-01-20"),
  word("action", "^%w+$", "must be the name of an action such as QueryProductTopic"),
  parameters "params",
  parameters "form",
}

---@param values table
---@return iotmsg.Message
function M.build(_, values)
  local bytes = 0
  for _, fields in pairs { values.params or {}, values.form or {} } do
    for _, value in pairs(fields) do bytes = bytes + #value end
  end
  return { product = values.product, version = values.version, action = values.action, query = values.params or {},
    form = values.form or {}, payload_bytes = bytes }
end

M.sign = rpc.sign
M.parse = rpc.parser() -- message_id is there where the action has one

return M
