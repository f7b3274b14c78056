-- Starts spec/faults/iam.lua, gives it orders and asks it what came.

local cjson = require "cjson"
local socket = require "cqueues.socket"

local process = require "spec.support.process"

local M = {}
M.__index = M

---@return table server with `endpoint`
function M.start()
  local child = process.start { process.interpreter(), "spec/faults/iam.lua" }
  local port = (child:read_line(10) or ""):match("^ready (%d+)$")
  if not port then
    child:stop()
    error("the cloud of tokens did not start: " .. child:errors())
  end
  return setmetatable({ child = child, port = tonumber(port), endpoint = "http://127.0.0.1:" .. port }, M)
end

local function ask(server, method, target, body)
  local sock = socket.connect { host = "127.0.0.1", port = server.port }
  sock:setmode("b", "bn")
  local head = ("%s %s HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n"):format(method, target, #body)
  sock:xwrite(head .. body, "bn", 5)
  local length
  repeat
    local line = assert(sock:xread("*l", "b", 5), "the cloud of tokens is gone")
    length = length or tonumber(line:match("^content%-length: (%d+)"))
  until line:gsub("\r$", "") == ""
  local text = sock:xread(length, "b", 5)
  sock:close()
  return cjson.decode(text)
end

---@param orders table see spec/faults/iam.lua
function M:order(orders)
  ask(self, "POST", "/order", cjson.encode(orders))
end

---@return table counts { fetches = { { target, head, body }, … }, sends = { { token, size, device, body }, … }, peak }
function M:count()
  return ask(self, "GET", "/count", "")
end

---@return string endpoint at which nobody listens
function M.refusing_endpoint()
  local listener = socket.listen { host = "127.0.0.1", port = 0 }
  assert(listener:listen())
  local _, _, port = listener:localname()
  listener:close()
  return ("http://127.0.0.1:%d"):format(port)
end

function M:stop()
  return self.child:stop()
end

return M
