-- Reads what a prepared request puts on the wire, with code of its own.

local M = {}

M.OPTIONS = {
  access_key_id = "LTAI-FAKE-0000000000",
  access_key_secret = "fake-secret-000000000000000000",
  endpoint = "iot.cn-shanghai.aliyuncs.com",
}

---@param more table? options to add; false takes one away
---@return table options
function M.options(more)
  local options = {}
  for name, value in pairs(M.OPTIONS) do options[name] = value end
  for name, value in pairs(more or {}) do options[name] = value end
  return options
end

local function decode(text)
  assert(not text:find("+", 1, true), "a space must travel as %20")
  return (text:gsub("%%(..)", function(hex)
    assert(hex:find("^[%dA-F][%dA-F]$"), "bad percent-encoding")
    return string.char(tonumber(hex, 16))
  end))
end

---@param text string RFC 3986: all but unreserved characters as %XX, upper case
---@return string
function M.encode(text)
  return (text:gsub("[^A-Za-z0-9_.~-]", function(char) return ("%%%02X"):format(char:byte()) end))
end

---@param text string name=value pairs
---@return table<string, string> pairs
---@return string[] names in their order
function M.fields(text)
  local fields, names = {}, {}
  for pair in text:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=([^=]*)$")
    assert(name, "not a pair: " .. pair)
    name = decode(name)
    assert(fields[name] == nil, "twice: " .. name)
    fields[name], names[#names + 1] = decode(value), name
  end
  return fields, names
end

---@param request iotmsg.Request
---@return table<string, string> query
---@return string[] names in their order
function M.query(request)
  return M.fields(request.url:match("%?(.*)$") or "")
end

-- What V1 adds to an action's own parameters.
local COMMON = {
  "Action", "Version", "Format", "Timestamp", "SignatureMethod", "SignatureVersion", "SignatureNonce", "AccessKeyId",
  "Signature",
}

---@param request iotmsg.Request signed with V1
---@return table<string, string> query the action's own parameters
---@return table<string, string> common the common ones
function M.v1_query(request)
  local query, common = M.query(request), {}
  for _, name in ipairs(COMMON) do
    common[name], query[name] = query[name], nil
  end
  return query, common
end

return M
