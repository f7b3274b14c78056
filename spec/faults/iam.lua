-- A cloud for specs of tokens: a child program that plays IAM's token call and IoTDA's message call on one port of
-- plain HTTP, as its orders say. POST /order with a JSON object changes what it does from then on; GET /count tells
-- what came. See spec/support/iam.lua.

local cjson = require "cjson"
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local TIMEOUT_S = 60

local loop = cqueues.new()
local orders, counts

local function reset()
  -- lifetime_s, delay_ms, header, size: of tokens; status, body: instead of one; revoked: tokens that are refused;
  -- slow_ms: delays of message calls by device; failures: how many message calls are answered 500 first
  orders = { lifetime_s = 86400, delay_ms = 0, header = "X-Subject-Token", size = 0, revoked = {}, slow_ms = {},
    failures = 0 }
  counts = { fetches = {}, sends = {}, in_flight = 0, peak = 0 }
end

reset()

local handlers = {}

handlers["POST /order"] = function(request)
  local given = cjson.decode(request.body)
  if given.reset then reset() end
  for name, value in pairs(given) do orders[name] = value end
  return 200, {}
end

handlers["GET /count"] = function()
  return 200, counts
end

local function give_token()
  if orders.status then return orders.status, orders.body, orders.fields end
  orders.number = (orders.number or 0) + 1
  local token = ("fake-token-%d-"):format(orders.number)
  token = token .. ("x"):rep(orders.size - #token)
  local expires_at = orders.lifetime_s and os.date("!%Y-%m-%dT%H:%M:%S.000000Z", os.time() + orders.lifetime_s)
  return 201, { token = { expires_at = expires_at, issued_at = os.date("!%Y-%m-%dT%H:%M:%S.000000Z") } },
    ("%s: %s\r\n"):format(orders.header, token)
end

handlers["POST /v3/auth/tokens"] = function(request)
  table.insert(counts.fetches, { target = request.target, head = request.head, body = request.body })
  counts.in_flight = counts.in_flight + 1
  counts.peak = math.max(counts.peak, counts.in_flight)
  cqueues.sleep(orders.delay_ms / 1000)
  counts.in_flight = counts.in_flight - 1
  return give_token()
end

local function take_message(request)
  local token = request.head:lower():match("\nx%-auth%-token: *([^\r]*)") or ""
  local number, device = token:match("^fake%-token%-(%d+)%-"), request.target:match("/devices/([^/]+)/")
  table.insert(counts.sends, { token = number, size = #token, device = device, body = request.body })
  local failed = #counts.sends <= orders.failures
  cqueues.sleep((orders.slow_ms[device] or 0) / 1000)
  if failed then return 500, { error_code = "IOTDA.000001", error_msg = "internal error" } end
  if not number or orders.revoked[number] or orders.revoked.all then
    return 401, { error_code = "IOTDA.000002", error_msg = "The token must be updated: " .. token:sub(1, 100) }
  end
  if orders.refusal then return orders.refusal.status, orders.refusal.body end
  return 201, { message_id = cjson.decode(request.body).message_id, result = { status = "PENDING" } }
end

local function answer(request)
  local handler = handlers[request.method .. " " .. request.target:match("^[^?]*")] or take_message
  local status, body, fields = handler(request)
  local text = type(body) == "table" and cjson.encode(body) or body or ""
  return ("HTTP/1.1 %d X\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"):format(status,
    fields or "", #text, text)
end

local function read_request(sock)
  local line = sock:read("*L")
  if not line then return nil end
  local parts = { line }
  repeat
    local field = sock:read("*L")
    if not field then return nil end
    parts[#parts + 1] = field
  until field == "\r\n"
  local head = table.concat(parts)
  local method, target = line:match("^(%u+) (%S+)")
  local length = tonumber(head:lower():match("\ncontent%-length: *(%d+)") or 0)
  local body = length == 0 and "" or sock:read(length)
  return body and { method = method, target = target, head = head, body = body }
end

local function serve(sock)
  sock:onerror(function(_, _, why) return why end)
  sock:setmode("b", "bn")
  sock:setmaxline(200000)
  sock:settimeout(TIMEOUT_S)
  local request = read_request(sock)
  while request and sock:xwrite(answer(request), "bn", TIMEOUT_S) do request = read_request(sock) end
  sock:close()
end

local listener = socket.listen { host = "127.0.0.1", port = 0 }
listener:onerror(function(_, _, why) return why end)
assert(listener:listen())
loop:wrap(function()
  while true do
    local sock = listener:accept()
    if sock then loop:wrap(serve, sock) end
  end
end)

local _, _, port = listener:localname()
print(("ready %d"):format(port))
io.stdout:flush()

while not loop:empty() do
  local ok, why = loop:step()
  if not ok then io.stderr:write("iam: ", tostring(why), "\n") end
end
