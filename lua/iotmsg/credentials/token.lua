-- Huawei's user token: fetched from IAM with a password, kept, and renewed before it expires. However many calls want
-- one, one fetch is in flight; the calls that cannot go without it join the fetch. Source: Huawei Cloud IAM, "Obtaining
-- a User Token Through Password Authentication".

local core = require "iotmsg.core"
local endpoint_of = require "iotmsg.endpoint"
local engine = require "iotmsg.engine"
local Error = require "iotmsg.error"
local json = require "iotmsg.json"
local mask = require "iotmsg.mask"
local reply_of = require "iotmsg.reply"
local route_of = require "iotmsg.route"

local EARLY_S = 600 -- renew so long before the end, or a quarter of the token's life where that is less
local LIFE_MIN_S = 1 -- whatever a reply tells: who fetched it can use it
local FALLBACK_LIFE_S = 3600 -- where a reply does not tell; the vendor's tokens live for 24 hours

local RENEW_AGAIN_S = 5 -- after a renewal that failed
local TIMEOUT_MS = 15000 -- of a fetch: the deadline of the call that began it is not that of the others

local entries = {} -- who and for what -> { token, expires_at, renew_at, fetch }

local function now_s()
  return core.engine.unix_ms() / 1000
end

-- Days since 1970 of a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
local function days_from_civil(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = math.floor(year / 400)
  local year_of_era = year - era * 400
  local day_of_year = math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return era * 146097 + year_of_era * 365 + math.floor(year_of_era / 4) - math.floor(year_of_era / 100) + day_of_year
    - 719468
end

-- "2026-11-22T07:17:00.000000Z" as Unix seconds.
local function read_time(text)
  local year, month, day, hour, minute, second = tostring(text):match("^(%d+)-(%d+)-(%d+)T(%d+):(%d+):(%d+)")
  if not year then return nil end
  return days_from_civil(tonumber(year), tonumber(month), tonumber(day)) * 86400
    + tonumber(hour) * 3600 + tonumber(minute) * 60 + tonumber(second)
end

local Fetch = {}
Fetch.__index = Fetch

---@param call table waits with a timer of its own, which is cut short when the fetch has ended
function Fetch:join(call)
  self.waiting[#self.waiting + 1] = call
end

-- The token in a reply, or an error.
local function read_token(reply)
  local token = reply_of.header(reply, "x-subject-token")
  local body = reply_of.decode(reply) or {}
  if reply.status >= 200 and reply.status < 300 and token and token ~= "" then
    local told = type(body.token) == "table" and body.token or {}
    local expires_at, issued_at = read_time(told.expires_at), read_time(told.issued_at)
    local life = expires_at and expires_at - (issued_at or now_s()) or FALLBACK_LIFE_S -- theirs: clocks disagree
    return token, now_s() + math.max(life, LIFE_MIN_S)
  end
  local failed = type(body.error) == "table" and body.error or body
  return nil, Error.new {
    kind = "credentials",
    message = "IAM gave no token: " .. tostring(failed.message or failed.error_msg or reply_of.describe(reply)),
    code = failed.code and tostring(failed.code) or failed.error_code,
    http_status = reply.status,
    retryable = reply.status >= 500 or reply.status == 429,
  }
end

---What the engine hands out for the fetch.
function Fetch:on_event(ended, _, reply, message)
  local entry = self.entry
  entry.fetch = nil
  local err
  if ended == "replied" then
    local token, more = read_token(reply)
    if token then
      local life = more - now_s()
      entry.token, entry.expires_at = token, more
      entry.renew_at = more - math.min(EARLY_S, life / 4)
    else
      err = more
      mask.apply(err, { self.password })
    end
  else
    err = Error.new { kind = "credentials", message = "IAM could not be reached: " .. message,
      retryable = ended == "network" or ended == "timeout" }
  end
  if err then entry.renew_at = now_s() + RENEW_AGAIN_S end -- while the old token still serves
  self.done, self.err = true, err
  for _, call in ipairs(self.waiting) do
    if call.joined == self then engine.cancel(call) end -- each comes out of the engine by itself
  end
end

local function request_for(settings, scope, endpoint)
  local identity = {
    methods = { "password" },
    password = {
      user = { name = settings.username, password = settings.password, domain = { name = settings.domain_name } },
    },
  }
  local body = assert(json.encode({ auth = { identity = identity, scope = { project = scope } } }, "auth"))
  return {
    method = "POST",
    url = endpoint.url .. "/v3/auth/tokens?nocatalog=1",
    headers = { ["content-type"] = "application/json;charset=utf8", accept = "application/json" },
    body = body,
  }
end

local function iam_endpoint(settings, region)
  if settings.iam_endpoint then return endpoint_of.parse("iam_endpoint", settings.iam_endpoint) end
  local host = region and ("iam.%s.myhuaweicloud.com"):format(region) or "iam.myhuaweicloud.com"
  return endpoint_of.parse("iam_endpoint", host)
end

local function start_fetch(entry, settings, scope, endpoint)
  local route, why = route_of.of(settings, endpoint)
  local fetch = setmetatable({ entry = entry, waiting = {}, slot = false, password = settings.password }, Fetch)
  local ok
  if route then
    ok, why = engine.send(fetch, route, request_for(settings, scope, endpoint), TIMEOUT_MS,
      settings.connect_timeout_ms, 0)
  end
  if not ok then return nil, Error.new { kind = "resource", message = why, retryable = true } end
  entry.fetch = fetch
  return fetch
end

---@param settings table
---@param message table project_id
---@return iotmsg.Credentials?
---@return iotmsg.Error? err kind credentials
---@return table? fetch to join
return function(settings, message)
  if not settings.username then return end
  local endpoint, err = endpoint_of.resolve(settings, "IoTDA")
  if not endpoint then return nil, err end
  local region = settings.region or endpoint_of.iotda_region(endpoint)
  local scope = message.project_id and { id = message.project_id } or { name = region }
  local iam
  iam, err = iam_endpoint(settings, region)
  if not iam then return nil, err end
  local key = table.concat({ iam.url, settings.domain_name, settings.username, core.sign.sha256_hex(settings.password),
    scope.id or scope.name or "" }, "\n")
  local entry = entries[key]
  if not entry then
    entry = { renew_at = 0, expires_at = 0 }
    entries[key] = entry
  end
  local now = now_s()
  local fetch = entry.fetch
  local serves = entry.token and now < entry.expires_at
  if not fetch and (not serves or now >= entry.renew_at) then fetch, err = start_fetch(entry, settings, scope, iam) end
  if serves then
    local refused = entry.token
    local function forget() -- unless it was replaced already
      if entry.token == refused then entry.token, entry.renew_at, entry.expires_at = nil, 0, 0 end
    end
    return { auth_token = entry.token, expires_at = entry.expires_at, forget = forget }
  end
  return nil, err, fetch
end
