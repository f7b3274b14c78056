-- Writes a reply to a stream of lua-http, whole or, when a rule says so, cut, doubled or padded. It decides nothing.

local http_headers = require "http.headers"

local clock = require "iotmsg.emulator.clock"

local WRITE_TIMEOUT_S = 30
local PADDING = (" "):rep(65536)
local REASONS = {
  [200] = "OK", [201] = "Created", [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden",
  [404] = "Not Found", [500] = "Internal Server Error",
}

local http_reply = {}

local date_at, date

local function http_date(answer)
  local now = clock.now() + (answer.clock_offset_s or 0)
  if date_at ~= now then
    date_at, date = now, clock.http_date(now)
  end
  return date
end

local function header_list(answer, length)
  local list = {
    { "date", http_date(answer) }, { "content-type", answer.content_type }, { "content-length", tostring(length) },
  }
  if answer.request_id then
    list[#list + 1] = { "x-acs-request-id", answer.request_id }
  end
  for _, header in ipairs(answer.headers or {}) do
    list[#list + 1] = header
  end
  return list
end

-- lua-http would answer 503 on its own for a stream without a reply; a closed one it leaves alone.
local function abandon(stream)
  local socket = stream.connection.socket
  if socket then
    socket:flush("n", WRITE_TIMEOUT_S)
    socket:shutdown("rw")
  end
  if stream.state ~= "closed" then
    stream.close_when_done = true
    if stream.connection.version < 2 and stream.state == "open" then
      stream:set_state("half closed (remote)")
    end
    stream:set_state("closed")
  end
end

local function plain_text(answer)
  local lines = { ("HTTP/1.1 %d %s"):format(answer.status, REASONS[answer.status] or "Status") }
  for _, header in ipairs(header_list(answer, #answer.body)) do
    lines[#lines + 1] = header[1] .. ": " .. header[2]
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n", answer.body
end

local function write_headers(stream, answer, length, without_body)
  local headers = http_headers.new()
  headers:append(":status", tostring(answer.status))
  for _, header in ipairs(header_list(answer, length)) do
    headers:append(header[1], header[2])
  end
  return stream:write_headers(headers, without_body, WRITE_TIMEOUT_S)
end

-- On HTTP/1.1 what is cut or doubled goes past lua-http, which would not write it.
local function write_by_hand(stream, answer)
  local head, body = plain_text(answer)
  local bytes = head .. body .. head .. body
  if answer.cut == "head" then
    bytes = head:sub(1, math.floor(#head / 2))
  elseif answer.cut == "body" then
    bytes = head .. body:sub(1, math.floor(#body / 2))
  end
  stream.connection.socket:xwrite(bytes, "bn", WRITE_TIMEOUT_S)
  if answer.cut then
    return abandon(stream)
  end
  stream:set_state("closed")
end

local function write_whole(stream, method, answer)
  local body = answer.double and answer.body .. answer.body or answer.body
  local left = answer.padding or 0
  local without_body = method == "HEAD"
  if not write_headers(stream, answer, #body + left, without_body) or without_body then
    return
  end
  local ok = stream:write_chunk(body, left == 0, WRITE_TIMEOUT_S)
  while ok and left > 0 do
    local chunk = left < #PADDING and PADDING:sub(1, left) or PADDING
    left = left - #chunk
    ok = stream:write_chunk(chunk, left == 0, WRITE_TIMEOUT_S)
  end
end

---@param stream table of lua-http, its request read
---@param method string
---@param answer iotmsg.emulator.reply with, when a rule says so: cut ("before", "head", "body"), double, padding
---  (bytes), clock_offset_s
function http_reply.write(stream, method, answer)
  if answer.cut == "before" then
    abandon(stream)
  elseif (answer.cut or answer.double) and stream.connection.version < 2 and stream.state ~= "open" then
    write_by_hand(stream, answer)
  elseif answer.cut == "body" then
    write_headers(stream, answer, #answer.body, false)
    stream:write_chunk(answer.body:sub(1, math.floor(#answer.body / 2)), false, WRITE_TIMEOUT_S)
    abandon(stream)
  elseif answer.cut then
    abandon(stream)
  else
    write_whole(stream, method, answer)
  end
end

return http_reply
