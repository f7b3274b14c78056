-- HTTPS for the front doors, on lua-http: HTTP/1.1 and HTTP/2 by ALPN, or plain HTTP when asked.
-- It turns a stream into a request and hands it on; it knows no cloud.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local cqueues_socket = require "cqueues.socket"
local hpack = require "iotmsg.emulator.hpack"
local http_server = require "http.server"
local http_util = require "http.util"
local ssl_context = require "openssl.ssl.context"

local http_reply = require "iotmsg.emulator.http_reply"

local BODY_MAX = 4 * 1024 * 1024
local BODY_TIMEOUT_S = 30
local IDLE_TIMEOUT_S = 75
-- Headers and request lines may be long: a 100,000 character token, a message of 256 KB in the query of a
-- GET.
local LINE_MAX = 2 * 1024 * 1024

local server = {}
server.__index = server

local function select_protocol(_, offered)
  for _, protocol in ipairs({ "h2", "http/1.1" }) do
    for _, candidate in ipairs(offered) do
      if candidate == protocol then
        return protocol
      end
    end
  end
  return nil
end

local function new_tls_context(identity)
  local context = ssl_context.new("TLS", true)
  context:setOptions(ssl_context.OP_NO_SSLv2 + ssl_context.OP_NO_SSLv3 + ssl_context.OP_NO_TLSv1
    + ssl_context.OP_NO_TLSv1_1 + ssl_context.OP_NO_COMPRESSION)
  context:setAlpnSelect(select_protocol)
  context:setPrivateKey(identity.key)
  context:setCertificate(identity.certificate)
  return context
end

local function read_headers(stream)
  local found = stream:get_headers(BODY_TIMEOUT_S)
  if not found then
    return nil
  end
  local map = {}
  for name, value in found:each() do
    local before = map[name]
    if before == nil then
      map[name] = value
    elseif type(before) == "table" then
      before[#before + 1] = value
    else
      map[name] = { before, value }
    end
  end
  map.host = map[":authority"] or map.host
  return map
end

local function read_body(stream)
  local chunks, size = {}, 0
  local deadline = cqueues.monotime() + BODY_TIMEOUT_S
  while true do
    local chunk, problem = stream:get_next_chunk(deadline - cqueues.monotime())
    if not chunk then
      if problem or stream.state == "open" then
        return nil, "the body is cut short"
      end
      return table.concat(chunks)
    end
    size = size + #chunk
    if size > BODY_MAX then
      return nil, "the body is too large"
    end
    chunks[#chunks + 1] = chunk
  end
end

local function text_of(value)
  return type(value) == "table" and value[1] or value or ""
end

local function read_request(stream)
  hpack.use_literals(stream)
  local headers = read_headers(stream)
  if not headers then
    return nil
  end
  if text_of(headers.expect):lower() == "100-continue" then
    stream:write_continue(BODY_TIMEOUT_S)
  end
  local method, target = text_of(headers[":method"]), text_of(headers[":path"])
  local path, query = target:match("^([^?]*)%??(.*)$")
  local host = text_of(headers.host)
  for name in pairs(headers) do
    if name:sub(1, 1) == ":" then
      headers[name] = nil
    end
  end
  local body, problem = read_body(stream)
  return {
    method = method,
    path = path == "" and "/" or path,
    query = query,
    headers = headers,
    host = host,
    body = body or "",
  }, problem
end

-- On HTTP/1.1 lua-http would read on for the rest of a body, for ever when the peer has closed: no more is
-- read here, and the connection ends with the reply.
local function give_up_reading(stream)
  if stream.state == "open" and stream.connection.version < 2 then
    stream.close_when_done = true
    stream:set_state("half closed (remote)")
  end
end

local function serve(self, stream)
  local request, problem = read_request(stream)
  if not request then
    return
  end
  if problem then
    give_up_reading(stream)
  end
  request.problem = problem
  local ok, answer = http_util.yieldable_pcall(self.handle, request)
  if not ok then
    self.report("internal error: " .. tostring(answer))
    answer = self.failure(request)
  end
  http_reply.write(stream, request.method, answer)
end

---@param options table { host, port, identity (nil: plain HTTP), handle(request), failure(request),
---  report(text) }
---@return table|nil server { host, port }
---@return string|nil problem
function server.listen(options)
  cqueues_socket.setmaxline(LINE_MAX)
  local self = setmetatable({
    handle = options.handle, failure = options.failure, report = options.report, stopping = condition.new(),
    serving = 0,
  }, server)
  local listener, problem = http_server.listen({
    host = options.host,
    port = options.port,
    reuseaddr = true,
    tls = options.identity ~= nil,
    ctx = options.identity and new_tls_context(options.identity) or nil,
    intra_stream_timeout = IDLE_TIMEOUT_S,
    onstream = function(_, stream)
      self.serving = self.serving + 1
      serve(self, stream)
      self.serving = self.serving - 1
    end,
    onerror = function(_, _, operation, reason)
      self.report(("connection: %s: %s"):format(tostring(operation), tostring(reason)))
    end,
  })
  local ok = listener
  if listener then
    ok, problem = listener:listen()
  end
  if not ok then
    return nil, ("cannot listen on %s:%d: %s"):format(options.host, options.port, tostring(problem))
  end
  self.listener = listener
  local _, host, port = listener:localname()
  self.host, self.port = host, tonumber(port)
  return self
end

---Serves until `stop`; must run in a cqueue.
function server:run()
  while not self.stopped do
    local ok, problem = self.listener:step(0)
    if not ok then
      self.report("server: " .. tostring(problem))
    end
    cqueues.poll(self.listener, self.stopping)
  end
  -- Replies under way are finished, for a moment.
  local deadline = cqueues.monotime() + 1
  while self.serving > 0 and cqueues.monotime() < deadline do
    self.listener:step(0)
    cqueues.poll(self.listener, 0.05)
  end
  self.listener:close()
end

function server:stop()
  self.stopped = true
  self.stopping:signal()
end

return server
