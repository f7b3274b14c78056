-- What came back over HTTP, before anyone knows what it means: header look-up and body decoding. Pure.

local json = require "iotmsg.json"
local xml = require "iotmsg.xml"

local M = {}

---@class iotmsg.Reply
---@field status integer
---@field head string the header lines as they came
---@field body string

---@param reply iotmsg.Reply
---@param name string lower case
---@return string? value of the first header of that name
function M.header(reply, name)
  for line_name, value in reply.head:gmatch("\n([%w_-]+):[ \t]*([^\r\n]*)") do
    if line_name:lower() == name then return value end
  end
  return nil -- and not nothing: callers pass the value on
end

---@param reply iotmsg.Reply
---@return table? body decoded from JSON or XML, whichever it is; nil when it is neither
function M.decode(reply)
  local first = reply.body:match("^%s*(.)")
  if first == "{" then return json.decode(reply.body) end
  if first == "<" then
    local body, root = xml.decode(reply.body)
    if root and root:lower() ~= "html" then return body end
  end
end

---@param reply iotmsg.Reply
---@return integer? ms how long the server asks to wait
function M.retry_after_ms(reply)
  local ms = tonumber(M.header(reply, "x-acs-retry-after"))
  local seconds = tonumber(M.header(reply, "retry-after"))
  local wait = ms or seconds and seconds * 1000
  if wait and wait >= 0 and wait < 2 ^ 31 then return math.floor(wait) end
end

return M
