-- What came back over HTTP, before anyone knows what it means: header look-up and body decoding. Pure.

local json = require "iotmsg.json"
local xml = require "iotmsg.xml"

local M = {}

local RETRY_AFTER_MAX_MS = 120000 -- as the vendors' SDKs cap it

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

---@param reply iotmsg.Reply one that could not be decoded
---@return string what it looks like instead
---@return boolean is_page whether it is some gateway's web page
function M.describe(reply)
  local is_page = reply.body:find("^%s*<") ~= nil
  local what = reply.body == "" and "an empty reply" or is_page and "a reply that is a web page"
    or "a reply that is neither JSON nor XML"
  return ("%s, with HTTP status %d"):format(what, reply.status), is_page
end

---@param reply iotmsg.Reply
---@return integer? ms how long the server asks to wait
function M.retry_after_ms(reply)
  local ms = tonumber(M.header(reply, "x-acs-retry-after"))
  local seconds = tonumber(M.header(reply, "retry-after"))
  local wait = ms or seconds and seconds * 1000
  if wait and wait >= 0 and wait < math.huge then return math.floor(math.min(wait, RETRY_AFTER_MAX_MS)) end
end

return M
