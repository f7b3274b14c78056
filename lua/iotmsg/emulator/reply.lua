-- Alibaba's reply documents: success, business error and gateway error, each as JSON and as XML.
-- Numbers beyond 2^53 are written from text, so a MessageId stays exact on every Lua.
-- It knows the shapes only; which error a request deserves is decided in rpc.lua and the actions.

local rand = require "openssl.rand"

local byte, concat, format = string.byte, table.concat, string.format

local reply = {}

local CONTENT_TYPE = { json = "application/json;charset=utf-8", xml = "text/xml;charset=utf-8" }
local TROUBLESHOOT = "https://api.aliyun.com/troubleshoot?q=%s&product=%s"

local json_escape = { ["\""] = "\\\"", ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local XML_ESCAPE = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ["\""] = "&quot;", ["'"] = "&apos;" }
for code = 0, 31 do
  local char = string.char(code)
  json_escape[char] = json_escape[char] or format("\\u%04x", code)
end

local function to_json(value)
  if type(value) == "string" then
    return "\"" .. value:gsub("[%c\"\\]", json_escape) .. "\""
  end
  return type(value) == "table" and value.digits or tostring(value)
end

local function to_xml(value)
  if type(value) == "string" then
    return (value:gsub("[&<>\"']", XML_ESCAPE):gsub("%c", " "))
  end
  return type(value) == "table" and value.digits or tostring(value)
end

---@return string an upper-case UUID, as Alibaba's RequestId
function reply.request_id()
  local a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = byte(rand.bytes(16), 1, 16)
  return format("%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X",
    a, b, c, d, e, f, g % 16 + 64, h, i % 64 + 128, j, k, l, m, n, o, p)
end

---A number that is written digit by digit instead of through a Lua number.
---@param digits string
---@return table
function reply.integer(digits)
  return { digits = digits }
end

---@param style string "json" or "xml"
---@param root string the XML root element
---@param fields table[] { name, value } in order
---@return string body
---@return string content_type
function reply.document(style, root, fields)
  local out = {}
  if style == "json" then
    for index, field in ipairs(fields) do
      out[index] = "\"" .. field[1] .. "\":" .. to_json(field[2])
    end
    return "{" .. concat(out, ",") .. "}", CONTENT_TYPE.json
  end
  for index, field in ipairs(fields) do
    out[index] = "<" .. field[1] .. ">" .. to_xml(field[2]) .. "</" .. field[1] .. ">"
  end
  return "<?xml version='1.0' encoding='UTF-8'?><" .. root .. ">" .. concat(out) .. "</" .. root .. ">",
    CONTENT_TYPE.xml
end

---@class iotmsg.emulator.reply
---@field status integer
---@field body string
---@field content_type string
---@field request_id string|nil sent as x-acs-request-id
---@field headers string[][]|nil more headers, as { name, value }
---@field action string|nil for the log
---@field outcome string|nil a message id or an error code, for the log

---@param call table { style, action, request_id }
---@param fields table[] besides RequestId, in order
---@param outcome string for the log
---@param status integer|nil (200)
---@return iotmsg.emulator.reply
function reply.business(call, fields, outcome, status)
  table.insert(fields, 1, { "RequestId", call.request_id })
  local body, content_type = reply.document(call.style, call.action .. "Response", fields)
  return {
    status = status or 200, body = body, content_type = content_type, request_id = call.request_id,
    action = call.action, outcome = outcome,
  }
end

---@param call table { style, action, request_id, host_id, product }
---@param problem table { status, code, message }
---@return iotmsg.emulator.reply
function reply.gateway_error(call, problem)
  local body, content_type = reply.document(call.style, "Error", {
    { "RequestId", call.request_id },
    { "HostId", call.host_id },
    { "Code", problem.code },
    { "Message", problem.message },
    { "Recommend", TROUBLESHOOT:format(problem.code, call.product or "") },
  })
  return {
    status = problem.status, body = body, content_type = content_type, request_id = call.request_id,
    action = call.action, outcome = problem.code,
  }
end

---@param text string from a caller
---@return string the same, short and printable, fit for an error message or the log
function reply.printable(text)
  return (text:sub(1, 80):gsub("[^%w%p ]", "?"))
end

return reply
