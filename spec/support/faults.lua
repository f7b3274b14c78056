-- Starts the fault server as a child program and opens doors in it, each a loopback port with a script of failures; see
-- spec/faults/server.lua. A door tells how many connections and requests it saw. Beside it: a real nginx for volume,
-- and waiting for a condition.

local cjson = require "cjson"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local process = require "spec.support.process"

local faults = {}
faults.__index = faults

local READY_TIMEOUT_S = 10
local NGINX_BODY = '{"RequestId":"E4DF6FC6-5B9B-4F3F-9A0B-0A2D0C6D0B3E","Success":true,"MessageId":889455942124347329}'

local Door = {}
Door.__index = Door

---Asks again and again until the answer is true or the time is spent.
---@param condition fun(): any
---@param timeout_s number?
---@return any
function faults.wait_until(condition, timeout_s)
  local deadline = cqueues.monotime() + (timeout_s or 5)
  local answer = condition()
  while not answer and cqueues.monotime() < deadline do
    cqueues.sleep(0.005)
    answer = condition()
  end
  return answer
end

---@return table server
function faults.start()
  local folder = process.output_of("umask 077; mktemp -d")
  local child = process.start({ process.interpreter(), "spec/faults/server.lua", folder })
  local line = child:read_line(READY_TIMEOUT_S)
  local port, ca_file = (line or ""):match("^ready (%d+) (.+)$")
  if not port then
    child:stop()
    error("the fault server did not start: " .. child:errors())
  end
  local control = socket.connect { host = "127.0.0.1", port = tonumber(port) }
  control:setmode("b", "bn")
  return setmetatable({ child = child, control = control, ca_file = ca_file, folder = folder }, faults)
end

function faults:order(order)
  assert(self.control:xwrite(cjson.encode(order) .. "\n", "bn", 5))
  local size = tonumber(self.control:xread("*l", "b", 5))
  if not size then error("the fault server is gone: " .. self.child:errors(), 0) end
  local answer = cjson.decode(assert(self.control:xread(size, "b", 5)))
  if answer.error then error(answer.error, 0) end
  return answer
end

-- A step is its name, or a table of the name and what it takes.
local function spell_out(script)
  local spelt = {}
  for i, steps in ipairs(script) do
    spelt[i] = {}
    for j, step in ipairs(steps) do
      local fields = {}
      for name, value in pairs(type(step) == "table" and step or { step }) do
        fields[name == 1 and "name" or name] = value
      end
      spelt[i][j] = fields
    end
  end
  return spelt
end

---@param order table { script = { { step, … }, … }, tls = false, http = 1, max_streams, receive_buffer }
---@return table door with `port` and `endpoint`
function faults:open(order)
  order.command, order.tls, order.script = "open", order.tls or order.http == 2, spell_out(order.script)
  local door = self:order(order)
  door.server = self
  door.endpoint = (order.tls and "https" or "http") .. "://127.0.0.1:" .. ("%d"):format(door.port)
  return setmetatable(door, Door)
end

---@return table counts connections, open, peak, requests, seen = { { connection, whole, nonce, body }, … }, sent
function Door:count()
  local counts = self.server:order({ command = "count", id = self.id })
  if counts.problem then error(counts.problem, 0) end
  return counts
end

---@return string endpoint that refuses connections
function faults:refusing_endpoint()
  return ("https://127.0.0.1:%d"):format(self:order({ command = "refuse" }).port)
end

---@return string endpoint at which a connect gets no answer
function faults:swallowing_endpoint()
  return ("https://127.0.0.1:%d"):format(self:order({ command = "swallow" }).port)
end

function faults:stop()
  self.control:close()
  self.child:stop()
  os.execute("rm -rf " .. process.quote(self.folder))
end

local NGINX_CONFIG = [[
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  default_type application/json;
  ssl_certificate {folder}/server.pem;
  ssl_certificate_key {folder}/server-key.pem;
  server { listen 127.0.0.1:{h2} ssl http2; {answer} }
  server { listen 127.0.0.1:{h1} ssl; {answer} }
  server { listen 127.0.0.1:{plain}; {answer} }
  server { listen 127.0.0.1:{goaway} ssl http2; keepalive_requests 100; {answer} }
  server { listen 127.0.0.1:{few} ssl http2; http2_max_concurrent_streams 4; {answer} }
}
]]

local function free_ports(count)
  local listeners, ports = {}, {}
  for i = 1, count do
    listeners[i] = socket.listen { host = "127.0.0.1", port = 0 }
    assert(listeners[i]:listen())
    local _, _, port = listeners[i]:localname()
    ports[i] = ("%d"):format(port)
  end
  for _, listener in ipairs(listeners) do listener:close() end
  return ports
end

local function is_open(port)
  local sock = socket.connect { host = "127.0.0.1", port = tonumber(port) }
  sock:onerror(function(_, _, why) return why end)
  local answer = sock:connect(1)
  sock:close()
  return answer
end

---A real nginx that answers every request as Pub does, with this server's certificate.
---@return table nginx endpoints h2, h1, plain, few (HTTP/2, four streams a connection) and goaway (HTTP/2, a
---hundred requests a connection); count(), stop()
function faults:nginx()
  local folder = self.folder
  local ports = free_ports(5)
  local words = {
    folder = folder, h2 = ports[1], h1 = ports[2], plain = ports[3], few = ports[4], goaway = ports[5],
    answer = "location / { return 200 '" .. NGINX_BODY .. "'; } location = /count { stub_status; }",
  }
  local file = assert(io.open(folder .. "/nginx.conf", "w"))
  file:write((NGINX_CONFIG:gsub("{(%w+)}", words):gsub("{(%w+)}", words)))
  file:close()
  local binary = process.output_of("PATH=$PATH:/usr/sbin:/usr/local/sbin command -v nginx")
  assert(binary ~= "", "nginx is not installed")
  local child = process.start({ binary, "-p", folder, "-c", folder .. "/nginx.conf" })
  local up = faults.wait_until(function() return is_open(ports[5]) and is_open(ports[1]) end, READY_TIMEOUT_S)
  if not up then
    child:stop()
    error("nginx did not start: " .. child:errors())
  end
  return {
    h2 = "https://127.0.0.1:" .. ports[1],
    h1 = "https://127.0.0.1:" .. ports[2],
    plain = "http://127.0.0.1:" .. ports[3],
    few = "https://127.0.0.1:" .. ports[4],
    goaway = "https://127.0.0.1:" .. ports[5],
    -- Connections taken and requests answered so far, this question included.
    count = function()
      local sock = socket.connect { host = "127.0.0.1", port = tonumber(ports[3]) }
      sock:xwrite("GET /count HTTP/1.0\r\n\r\n", "bn", 5)
      local text = sock:xread("*a", "b", 5)
      sock:close()
      local accepted, _, requests = text:match("\n (%d+) (%d+) (%d+)")
      return tonumber(accepted), tonumber(requests)
    end,
    stop = function() child:stop() end,
  }
end

return faults
