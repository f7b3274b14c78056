-- The server of capture.js as the specs see it: what came, with query, form and headers as maps.

local cjson = require "cjson"

local process = require "spec.support.process"

local START_TIMEOUT_S = 10

local M = {}

local Capture = {}
Capture.__index = Capture

local function map_of(list)
  local map = {}
  for _, pair in ipairs(list) do
    assert(map[pair[1]] == nil, "sent twice: " .. pair[1])
    map[pair[1]] = pair[2]
  end
  return map
end

---@return table capture { endpoint }
function M.start()
  local server = process.start { "node", "spec/interop/capture.js" }
  local port = assert(server:read_line(START_TIMEOUT_S), server:errors())
  return setmetatable({ process = server, endpoint = "http://127.0.0.1:" .. port }, Capture)
end

---@return table sent { method, path, query, form, headers, body }; headers by their names in lower case
function Capture:next()
  local sent = cjson.decode((assert(self.process:read_line(1))))
  sent.query, sent.form, sent.headers = map_of(sent.query), map_of(sent.form), map_of(sent.headers)
  return sent
end

function Capture:stop()
  return self.process:stop()
end

return M
