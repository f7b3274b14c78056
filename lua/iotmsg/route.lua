-- How to reach a host, from settings: one route for all clients that ask for the same, so that they share
-- connections and the cap on them.

local core = require "iotmsg.core"

local M = {}

local routes = setmetatable({}, { __mode = "v" })

local FIELDS = { "ca_file", "client_cert", "client_key", "proxy", "tls_verify", "http_version", "max_connections" }

---@param settings table
---@param endpoint iotmsg.Endpoint
---@return userdata? route
---@return string? why
function M.of(settings, endpoint)
  local memo = settings.memo
  if memo[endpoint] then return memo[endpoint] end
  local parts = { endpoint.url }
  for _, name in ipairs(FIELDS) do parts[#parts + 1] = tostring(settings[name]) end
  local key = table.concat(parts, "\n")
  local route = routes[key]
  if not route then
    local made, why = core.engine.route(settings)
    if not made then return nil, why end
    if not settings.tls_verify then
      io.stderr:write("iotmsg: tls_verify = false: nobody checks that ", endpoint.url, " is who it says it is\n")
    end
    route, routes[key] = made, made
  end
  memo[endpoint] = route
  return route
end

return M
