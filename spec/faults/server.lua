-- The fault server: a child program that plays scripted failures over HTTP/1.1 (plain and TLS) and HTTP/2 (TLS), on
-- raw sockets, so that every byte and every way to end a connection is the script's. A spec steers it over a control
-- connection (lines of JSON; answers are a length and JSON) and opens "doors": listeners with a script each.
-- Connection i of a door plays the i-th list of steps (the last one repeats), request j on it the j-th step of that
-- list (the last one repeats). Every request of which it saw a byte is counted. See spec/support/faults.lua.

local cjson = require "cjson"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local ssl_context = require "openssl.ssl.context"

local certificate = require "iotmsg.emulator.certificate"
local posix = require "spec.posix"

local READ_TIMEOUT_S = 60
local SEEN_MAX = 2000 -- requests remembered one by one; the count goes on
local OK_BODY = '{"RequestId":"E4DF6FC6-5B9B-4F3F-9A0B-0A2D0C6D0B3E","Success":true,"MessageId":889455942124347329}'
local REFUSED_BODY = '{"RequestId":"E4DF6FC6-5B9B-4F3F-9A0B-0A2D0C6D0B3E","Success":false,"Code":"RequestTooLarge",'
  .. '"Message":"the message is too large"}'

local identity = assert(certificate.load_or_make(arg[1], "127.0.0.1"))
local loop = cqueues.new()
local doors = {}

local function tls_context(protocol)
  local context = ssl_context.new("TLS", true)
  context:setAlpnSelect(function(_, offered)
    for _, candidate in ipairs(offered) do
      if candidate == protocol then return candidate end
    end
  end)
  context:setPrivateKey(identity.key)
  context:setCertificate(identity.certificate)
  return context
end

local contexts = { h1 = tls_context("http/1.1"), h2 = tls_context("h2") }

-- Ends of a connection. Each is final: the connection plays nothing more.

local ends = {}

-- FIN; on TLS the close_notify alert first, unless the step says abrupt.
function ends.fin(conn, step)
  if not step.abrupt then conn.sock:shutdown("w") end
end

-- RST.
function ends.reset(conn)
  posix.reset_on_close(conn.sock:pollfd())
end

function ends.silence(_, step)
  cqueues.sleep(step.s or 30)
end

local function write(conn, ...)
  local sock = conn.sock
  for i = 1, select("#", ...) do
    if not sock:xwrite((select(i, ...)), "bn", READ_TIMEOUT_S) then return false end
  end
  return true
end

local function head(status, fields)
  return ("HTTP/1.1 %s\r\ncontent-type: application/json\r\n%s\r\n"):format(status, fields or "")
end

local function length(count)
  return ("content-length: %d\r\n"):format(count)
end

-- Replies. Each is played once the request is there in full; true: the connection lives on.

local replies = {}

function replies.ok(conn, step)
  if step.delay_ms then cqueues.sleep(step.delay_ms / 1000) end
  local body = step.body or OK_BODY
  return write(conn, head(step.status or "200 OK", length(#body) .. (step.fields or "")) .. body)
end

-- A whole reply, and the connection is gone at once.
function replies.ok_fin(conn, step)
  replies.ok(conn, step)
  ends.fin(conn, step)
end

function replies.cut_header(conn)
  write(conn, "HTTP/1.1 200 OK\r\ncontent-ty")
end

function replies.cut_after_header(conn)
  write(conn, head("200 OK", length(#OK_BODY)))
end

function replies.cut_body(conn)
  write(conn, head("200 OK", length(#OK_BODY)) .. OK_BODY:sub(1, 40))
end

function replies.reset_in_body(conn)
  write(conn, head("200 OK", length(#OK_BODY)) .. OK_BODY:sub(1, 40))
  cqueues.sleep(0.05) -- a reset at once would take back what the peer has not read
  ends.reset(conn)
end

function replies.too_short_length(conn)
  write(conn, head("200 OK", length(40)) .. OK_BODY)
end

function replies.broken_chunks(conn)
  write(conn, head("200 OK", "transfer-encoding: chunked\r\n") .. "zz\r\n" .. OK_BODY .. "\r\n0\r\n\r\n")
end

function replies.cut_chunks(conn)
  write(conn, head("200 OK", "transfer-encoding: chunked\r\n") .. ("%x\r\n%s"):format(#OK_BODY, OK_BODY))
end

function replies.chunks(conn)
  local fields = "transfer-encoding: chunked\r\n"
  return write(conn, head("200 OK", fields) .. ("%x\r\n%s\r\n0\r\n\r\n"):format(#OK_BODY, OK_BODY))
end

function replies.garbage(conn)
  write(conn, "\0\1\2\3 this is not HTTP \255\254\r\n\r\n")
end

function replies.html(conn)
  local body = "<html><head><title>Login</title></head><body>the hotel's network</body></html>"
  return write(conn, "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n" .. length(#body) .. "\r\n" .. body)
end

-- 1 GB announced, and sent for as long as the peer takes it.
function replies.huge(conn)
  local block = ("x"):rep(65536)
  if not write(conn, head("200 OK", length(2 ^ 30))) then return end
  for _ = 1, 2 ^ 30 / #block do
    conn.door.sent = conn.door.sent + #block
    if not write(conn, block) then return end
  end
end

-- No length, no end.
function replies.endless(conn)
  local block = ("x"):rep(65536)
  if not write(conn, head("200 OK")) then return end
  repeat
    conn.door.sent = conn.door.sent + #block
  until not write(conn, block)
end

function replies.endless_header(conn)
  if not write(conn, "HTTP/1.1 200 OK\r\n") then return end
  local line = "x-filler: " .. ("y"):rep(1000) .. "\r\n"
  repeat
    conn.door.sent = conn.door.sent + #line
  until not write(conn, line)
end

-- One byte every so often.
function replies.drip(conn, step)
  for byte in (head("200 OK", length(#OK_BODY)) .. OK_BODY):gmatch(".") do
    if not write(conn, byte) then return end
    cqueues.sleep((step.ms or 20) / 1000)
  end
  return true
end

function replies.redirect(conn, step)
  return write(conn, head("307 Temporary Redirect", "location: " .. step.to .. "\r\n" .. length(0)))
end

-- "HTTP/1.1 100 Continue" and its like before the reply.
function replies.informational(conn, step)
  return write(conn, "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n") and replies.ok(conn, step)
end

-- Steps played at the request's first byte, with the rest of it unread.

local early = {}

-- The first byte is looked at and left: closing with unread bytes makes the kernel send RST.
function early.close_unread()
end

function early.reset_mid_request(conn)
  conn.sock:read(-20)
  ends.reset(conn)
end

-- A whole answer before the body was read, of which nothing more is read then.
function early.refuse_early(conn, step)
  conn.sock:xread("*h", "b", READ_TIMEOUT_S)
  write(conn, head("413 Request Entity Too Large", length(#REFUSED_BODY)) .. REFUSED_BODY)
  cqueues.sleep(step.s or 30)
end

-- Steps played before any request, in place of the TLS handshake where there is one.

local at_accept = {}

function at_accept.close_at_accept()
end

function at_accept.reset_at_accept(conn)
  ends.reset(conn)
end

function at_accept.silent_accept(_, step)
  cqueues.sleep(step.s or 30)
end

function at_accept.garbage_at_accept(conn)
  write(conn, "this is no TLS\r\n")
end

local function step_of(conn, number)
  local steps = conn.steps
  return steps[math.min(number, #steps)]
end

-- Counts a request, and remembers what it was once all of it is there.
local function count_request(door, conn)
  door.requests = door.requests + 1
  local entry = { connection = conn.number, whole = false }
  if #door.seen < SEEN_MAX then door.seen[#door.seen + 1] = entry end
  return entry
end

local function read_request(conn, entry)
  local text, at = "", nil
  while not at do
    local more = conn.sock:xread(-65536, "b", READ_TIMEOUT_S)
    if not more then return false end
    text = text .. more
    at = select(2, text:find("\r\n\r\n", 1, true))
  end
  local request_head = text:sub(1, at):lower()
  local left = tonumber(request_head:match("\ncontent%-length: *(%d+)") or 0) - (#text - at)
  local parts = { text:sub(at + 1) }
  while left > 0 do
    local more = conn.sock:xread(-left, "b", READ_TIMEOUT_S)
    if not more then return false end
    parts[#parts + 1], left = more, left - #more
  end
  entry.whole = true
  entry.nonce = request_head:match("\nx%-acs%-signature%-nonce: *([^\r]+)")
  entry.body = table.concat(parts):sub(1, 200)
  return true
end

-- Whether the next request has begun; nothing of it is taken.
local function request_begins(conn)
  return conn.sock:fill(1, READ_TIMEOUT_S) == true
end

local function play_http1(conn)
  local number, goes_on = 0, true
  while goes_on and request_begins(conn) do
    number = number + 1
    local entry = count_request(conn.door, conn)
    local step = step_of(conn, number)
    local name = step.name
    if early[name] then
      goes_on = early[name](conn, step)
    elseif not read_request(conn, entry) then
      goes_on = false
    elseif replies[name] then
      goes_on = replies[name](conn, step)
    elseif ends[name] then
      goes_on = ends[name](conn, step)
    else
      error("unknown step " .. tostring(name))
    end
  end
end

-- HTTP/2, frame by frame. Header blocks are counted, not decoded; the one reply needs no encoder: static table index
-- 8 is ":status: 200" (RFC 7541, appendix A).

local FRAME = { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8 }
local END_STREAM, ACK = 1, 1
local PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM = 1, 2, 7

local function u32(value)
  return string.char(math.floor(value / 2 ^ 24) % 256, math.floor(value / 2 ^ 16) % 256,
    math.floor(value / 256) % 256, value % 256)
end

local function frame(kind, flags, stream, payload)
  return u32(#payload):sub(2) .. string.char(kind, flags) .. u32(stream) .. payload
end

local function ok_frames(stream)
  return frame(FRAME.HEADERS, 4, stream, "\136") .. frame(FRAME.DATA, END_STREAM, stream, OK_BODY)
end

local h2 = {}

function h2.ok(conn, stream)
  return write(conn, ok_frames(stream))
end

-- Not processed, says the server, and so it may be sent again (RFC 9113, section 8.7).
function h2.refuse(conn, stream)
  return write(conn, frame(FRAME.RST_STREAM, 0, stream, u32(REFUSED_STREAM)))
end

function h2.stream_error(conn, stream)
  return write(conn, frame(FRAME.RST_STREAM, 0, stream, u32(PROTOCOL_ERROR)))
end

-- The streams above last were not processed; with last = "this" the request's own was.
function h2.goaway(conn, stream, step)
  local last = step.last == "this" and stream or math.max(stream - 2, 0)
  write(conn, frame(FRAME.GOAWAY, 0, 0, u32(last) .. u32(0)))
end

-- A server that goes down: every stream is broken off after it was processed, and the connection ends.
function h2.abort(conn, stream, step)
  local frames = {}
  if step.goaway then frames[1] = frame(FRAME.GOAWAY, 0, 0, u32(stream) .. u32(INTERNAL_ERROR)) end
  for id in pairs(conn.streams) do
    frames[#frames + 1] = frame(FRAME.RST_STREAM, 0, id, u32(INTERNAL_ERROR))
  end
  write(conn, table.concat(frames))
  cqueues.sleep((step.ms or 0) / 1000)
end

-- A reply, then GOAWAY: the connection ends in good order.
function h2.ok_goaway(conn, stream)
  write(conn, ok_frames(stream) .. frame(FRAME.GOAWAY, 0, 0, u32(stream) .. u32(0)))
end

function h2.cut_body(conn, stream)
  write(conn, frame(FRAME.HEADERS, 4, stream, "\136") .. frame(FRAME.DATA, 0, stream, OK_BODY:sub(1, 40)))
end

function h2.garbage(conn)
  write(conn, ("\255"):rep(200))
end

function h2.fin(conn, _, step)
  ends.fin(conn, step)
end

function h2.reset(conn)
  ends.reset(conn)
end

-- Nothing for this stream, a reply for the others.
function h2.silence()
  return true
end

local function read_frame(conn)
  local start = conn.sock:xread(9, "b", READ_TIMEOUT_S)
  if not start or #start < 9 then return nil end
  local a, b, c, kind, flags, d, e, f, g = start:byte(1, 9)
  local size = a * 65536 + b * 256 + c
  local payload = ""
  if size > 0 then
    payload = conn.sock:xread(size, "b", READ_TIMEOUT_S)
    if not payload or #payload < size then return nil end
  end
  return kind, flags, (d % 128) * 2 ^ 24 + e * 65536 + f * 256 + g, payload
end

local function h2_request_ends(conn, stream, entry)
  entry.whole = true
  conn.played = conn.played + 1
  local step = step_of(conn, conn.played)
  local play = h2[step.name] or error("unknown step " .. tostring(step.name))
  return play(conn, stream, step)
end

local function play_http2(conn)
  if not conn.sock:xread(24, "b", READ_TIMEOUT_S) then return end
  -- SETTINGS_MAX_CONCURRENT_STREAMS is 3.
  write(conn, frame(FRAME.SETTINGS, 0, 0, "\0\3" .. u32(conn.door.max_streams or 128)))
  local open = {}
  conn.played, conn.streams = 0, open
  local goes_on = true
  while goes_on do
    local kind, flags, stream, payload = read_frame(conn)
    if not kind then return end
    if kind == FRAME.SETTINGS and flags ~= ACK then
      goes_on = write(conn, frame(FRAME.SETTINGS, ACK, 0, ""))
    elseif kind == FRAME.PING and flags ~= ACK then
      goes_on = write(conn, frame(FRAME.PING, ACK, 0, payload))
    elseif kind == FRAME.HEADERS then
      open[stream] = count_request(conn.door, conn)
    elseif kind == FRAME.DATA and open[stream] then
      open[stream].body = ((open[stream].body or "") .. payload):sub(1, 200)
      if #payload > 0 then
        goes_on = write(conn, frame(FRAME.WINDOW_UPDATE, 0, 0, u32(#payload)))
          and write(conn, frame(FRAME.WINDOW_UPDATE, 0, stream, u32(#payload)))
      end
    end
    local is_last = (kind == FRAME.HEADERS or kind == FRAME.DATA) and flags % 2 == END_STREAM
    if goes_on and is_last and open[stream] and not open[stream].whole then
      goes_on = h2_request_ends(conn, stream, open[stream])
    end
  end
end

local function play(conn)
  local first = step_of(conn, 1)
  if at_accept[first.name] then return at_accept[first.name](conn, first) end
  local door = conn.door
  if door.tls and not conn.sock:starttls(door.http == 2 and contexts.h2 or contexts.h1, READ_TIMEOUT_S) then
    return
  end
  if door.http == 2 then return play_http2(conn) end
  return play_http1(conn)
end

local function serve(door, sock)
  sock:onerror(function(_, _, why) return why end)
  sock:setmode("b", "bn")
  sock:settimeout(READ_TIMEOUT_S)
  door.connections = door.connections + 1
  door.open = door.open + 1
  door.peak = math.max(door.peak, door.open)
  local script = door.script
  local conn = {
    sock = sock, door = door, number = door.connections, steps = script[math.min(door.connections, #script)],
  }
  local ok, why = pcall(play, conn)
  if not ok then door.problem = tostring(why) end
  sock:close()
  door.open = door.open - 1
end

local function accept_all(door)
  while not door.closed do
    local sock = door.listener:accept()
    if sock then loop:wrap(serve, door, sock) end
  end
end

local commands = {}

-- A listener with a script.
function commands.open(order)
  local listener = socket.listen { host = "127.0.0.1", port = 0, reuseaddr = true }
  listener:onerror(function(_, _, why) return why end)
  assert(listener:listen())
  if order.receive_buffer then posix.receive_buffer(listener:pollfd(), order.receive_buffer) end
  local _, _, port = listener:localname()
  local door = {
    listener = listener, script = order.script, tls = order.tls, http = order.http, max_streams = order.max_streams,
    connections = 0, open = 0, peak = 0, requests = 0, seen = {}, sent = 0,
  }
  doors[#doors + 1] = door
  loop:wrap(accept_all, door)
  return { id = #doors, port = tonumber(port) }
end

-- A port that nobody listens on.
function commands.refuse()
  return { port = assert(posix.refusing_port()) }
end

-- A port that answers no connect.
function commands.swallow()
  return { port = assert(posix.black_hole()) }
end

function commands.count(order)
  local door = doors[order.id]
  return {
    connections = door.connections, open = door.open, peak = door.peak, requests = door.requests, seen = door.seen,
    sent = door.sent, problem = door.problem,
  }
end

local control = socket.listen { host = "127.0.0.1", port = 0 }
assert(control:listen())

loop:wrap(function()
  local sock = control:accept()
  sock:onerror(function(_, _, why) return why end)
  sock:setmode("b", "bn")
  for line in sock:lines("*l") do
    local order = cjson.decode(line)
    local ok, answer = pcall(commands[order.command], order)
    local text = cjson.encode(ok and answer or { error = tostring(answer) })
    write({ sock = sock }, ("%d\n"):format(#text) .. text)
  end
  os.exit(0) -- whoever gave the orders is gone
end)

local _, _, control_port = control:localname()
print(("ready %s %s"):format(control_port, identity.ca_file))
io.stdout:flush()

while not loop:empty() do
  local ok, why = loop:step()
  if not ok then io.stderr:write("faults: ", tostring(why), "\n") end
end
