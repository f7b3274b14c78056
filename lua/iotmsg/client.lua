-- The pipeline, from a table of parameters to a result: check, build, identify, sign, send; parse, decide. Each step
-- is somebody else's; here stands their order.

local Call = require "iotmsg.call"
local check = require "iotmsg.check"
local core = require "iotmsg.core"
local endpoint_of = require "iotmsg.endpoint"
local engine = require "iotmsg.engine"
local Error = require "iotmsg.error"
local families = require "iotmsg.family"
local mask = require "iotmsg.mask"
local quota = require "iotmsg.quota"
local request_of = require "iotmsg.request"
local retry = require "iotmsg.retry"
local route_of = require "iotmsg.route"
local text = require "iotmsg.text"

local now_ms, unix_ms, uuid = core.engine.now_ms, core.engine.unix_ms, core.engine.uuid

-- Whether an option that only gives a parameter its default has a meaning for the operation.
local function serves(operation, name)
  for _, parameter in ipairs(operation.from_settings) do
    if parameter == name then return true end
  end
  return false
end

-- check: reads the caller's table once; what is not a parameter is an option for this call.
local function read_values(client, operation, params)
  local options = client.family.options
  local values, given = {}, nil
  for name, value in pairs(params) do
    local rule, option = operation.rules.by_name[name], options.rules.by_name[name]
    local err
    if option and (not rule or value == false) then
      given = given or {}
      given[name], err = options.value(option, value)
      if option.only_default and value ~= false and not err and not serves(operation, name) then
        err = Error.invalid(name, "means nothing to " .. operation.method)
      end
    elseif rule then
      values[name], err = check.value(rule, value)
    else
      err = check.unknown(name, { operation.rules, options.rules }, operation.hints)
    end
    if err then return nil, nil, err end
  end
  local settings, err = options:resolve(client.settings, given)
  if not settings then return nil, nil, err end
  for _, name in ipairs(operation.from_settings) do
    if values[name] == nil then values[name] = settings[name] end
  end
  for _, rule in ipairs(operation.rules.list) do
    if rule.required and values[rule.name] == nil then
      return nil, nil, Error.invalid(rule.name, "is required")
    end
  end
  return values, settings, operation.check and operation.check(values)
end

-- check and build: a message that knows where it goes.
local function read_call(client, operation, params)
  local values, settings, err = read_values(client, operation, params)
  if err then return nil, err end
  local message = operation.build(operation, values)
  local endpoint
  endpoint, err = endpoint_of.resolve(settings, message.product or operation.product)
  err = err or operation.check_endpoint and operation.check_endpoint(settings, endpoint)
  if err then return nil, err end
  return { family = client.family, operation = operation, settings = settings, endpoint = endpoint, message = message,
    bytes = message.payload_bytes }
end

local function resource_error(why)
  return Error.new { kind = "resource", message = why, retryable = true }
end

-- identify and sign.
local function sign(fields, credentials, unix_seconds, nonce)
  local signed, why = fields.operation.sign(fields.message, credentials, fields.settings, fields.endpoint,
    unix_seconds, nonce)
  if not signed then return nil, resource_error("signing failed: " .. why) end
  return signed
end

local function secrets_of(credentials, signed)
  local secrets = {}
  for _, secret in pairs { credentials.access_key_secret, credentials.security_token or "",
    credentials.auth_token or "", signed.signature or "" } do
    if secret ~= "" then secrets[#secrets + 1] = secret end
  end
  return secrets
end

-- One try: identify, sign, send. Where credentials are still being fetched the call joins the fetch.
local function attempt(call)
  local settings = call.settings
  local now = now_ms()
  local credentials, err, fetch = call.family.credentials(settings, call.message)
  if fetch then
    local ok, why = engine.timer(call, call.deadline_ms - now)
    if not ok then return nil, resource_error(why) end
    call.joined = fetch
    fetch:join(call)
    return true
  end
  if not credentials then return nil, err end
  local signed
  signed, err = sign(call, credentials, math.floor(unix_ms() / 1000), uuid())
  if not signed then return nil, err end
  local route, why = route_of.of(settings, call.endpoint)
  if not route then return nil, resource_error(why) end
  local account = credentials.access_key_id or settings.username or "token"
  local hold_ms = quota.take(settings, call.operation, account, now, call.deadline_ms - now)
  local sent
  sent, why = engine.send(call, route, signed, call.deadline_ms - now, settings.connect_timeout_ms, hold_ms)
  if not sent then return nil, resource_error(why) end
  call.attempts = call.attempts + 1
  call.attempt_ms = now
  call.credentials = credentials
  call.secrets = secrets_of(credentials, signed)
  return true
end

local function is_loopback(endpoint)
  local host = endpoint.authority
  return host:find("^127%.") or host:find("^localhost") or host:find("^%[::1%]")
end

-- An end of a try that is no reply.
local function broken(call, ended, sent, message)
  if ended == "tls" then
    message = ("%s (CA bundle: %s)"):format(message, call.settings.ca_file or core.engine.ca_file())
  elseif ended == "network" and not sent and is_loopback(call.endpoint) then
    message = message .. "; is the emulator running? `iotmsg emulator` starts it"
  end
  return Error.new {
    kind = ended,
    outcome = sent and "unknown" or "not_sent",
    message = message,
    retryable = ended == "network" or ended == "timeout" or ended == "resource",
  }
end

local function random()
  return tonumber(uuid():sub(1, 8), 16) / 2 ^ 32
end

-- The cloud does not know the caller, and the credentials' source can replace them: once a call, it may.
local function renew(call, err)
  local forget = call.credentials and call.credentials.forget
  if not err.renews or not forget or call.renewed or call.cancelled then return false end
  call.renewed = true
  forget()
  return call.settings.retry ~= "off" and (attempt(call))
end

-- decide: again after a delay, or this is the end.
local function decide(call, err)
  call.maybe_taken = call.maybe_taken or err.outcome == "unknown"
  call.was_rejected = call.was_rejected or err.outcome == "rejected"
  if renew(call, err) then return end
  local delay_ms = not call.cancelled and retry.delay_ms(call.settings, err, call.attempts + (call.fetches or 0),
    call.deadline_ms - now_ms(), random(), call.operation.idempotent)
  if delay_ms and engine.timer(call, delay_ms) then return end
  if call.maybe_taken then
    err.outcome = "unknown"
  elseif call.was_rejected then
    err.outcome = "rejected" -- a later try that was not sent proves nothing about the one that was
  end
  err.attempts = call.attempts
  call:finish(nil, err)
end

-- parse; a reply that our own code cannot take must not cost the caller the truth about the call.
local function parse(call, reply)
  local ok, result, err = pcall(call.operation.parse, reply, call.message, call.maybe_taken)
  if ok then return result, err end
  return nil, Error.new { kind = "protocol", outcome = "unknown", http_status = reply.status,
    message = "the reply could not be read: " .. tostring(result) }
end

local function not_identified(kind)
  return Error.new { kind = kind, retryable = kind == "timeout", message = "credentials were still being fetched" }
end

-- identify, again: a call that had joined a fetch goes on, or its deadline or cancellation came first.
local function identified(call)
  local fetch = call.joined
  call.joined = nil
  if call.cancelled then return nil, not_identified("cancelled") end
  if now_ms() >= call.deadline_ms then return nil, not_identified("timeout") end
  if not fetch.err then return true end
  call.fetches = (call.fetches or 0) + 1
  local err = {}
  for name, value in pairs(fetch.err) do err[name] = value end -- many calls may share the fetch
  return nil, Error.new(err)
end

-- What came of a try: parse, or the engine's own words.
local function end_try(call, ended, sent, reply, message)
  local result, err
  if ended == "replied" then
    result, err = parse(call, reply)
  else
    err = broken(call, ended, sent, message)
  end
  if err then mask.apply(err, call.secrets) end
  if call.attempt_ms then call:tell("attempt", err, reply.status ~= 0 and reply.status or nil) end
  call.attempt_ms = nil
  if not result then return decide(call, err) end
  result.attempts = call.attempts
  call:finish(result)
end

local function advance(call, ended, sent, reply, message)
  local ok, err = true, nil
  if call.joined then
    ok, err = identified(call)
    ended = "elapsed"
  elseif ended == "elapsed" and call.cancelled then
    ended, message = "cancelled", "cancelled"
  end
  if ended ~= "elapsed" then return end_try(call, ended, sent, reply, message) end
  if ok then ok, err = attempt(call) end
  if not ok then decide(call, err) end
end

---What comes out of the engine for the call. An error of the user's own functions goes to whoever polls; one of ours
---ends the call.
function Call.methods:on_event(...)
  local ok, thrown = pcall(advance, self, ...)
  if not ok and not self.finished and not self.slot then
    self:finish(nil, Error.new { kind = "resource", outcome = self.attempts > 0 and "unknown" or "not_sent",
      attempts = self.attempts, message = "internal error: " .. tostring(thrown) })
  elseif not ok then
    error(thrown, 0)
  end
  if self.thrown then
    thrown, self.thrown = self.thrown[1], nil
    error(thrown, 0)
  end
end

local function full(client, settings, bytes)
  if client.pending >= settings.max_pending then
    return resource_error(("%d calls are pending, the limit of max_pending"):format(client.pending))
  end
  if client.pending_bytes + bytes > settings.max_pending_bytes then
    return resource_error(("%d bytes are pending, the limit of max_pending_bytes"):format(settings.max_pending_bytes))
  end
end

local function check_client(class, client, method, level)
  if getmetatable(client) ~= class then
    error(("call it with a colon: client:%s"):format(method), level + 1)
  end
end

local function find_operation(family, name, level)
  local operation = family.operations[name]
  if operation then return operation end
  local names = {}
  for known in pairs(family.operations) do names[#names + 1] = known end
  local nearest = type(name) == "string" and text.nearest(name, names)
  error(("no operation is called %s%s"):format(tostring(name), nearest and (": did you mean %q?"):format(nearest)
    or ""), level + 1)
end

local function check_params(params, level)
  if type(params) ~= "table" then
    error("an operation takes one table of parameters, not " .. type(params), level + 1)
  end
end

local function start(client, operation, params, on_done)
  local fields, err = read_call(client, operation, params)
  if not fields then return nil, err end
  err = full(client, fields.settings, fields.bytes)
  if err then return nil, err end
  fields.ledger, fields.on_done = client, on_done
  local call = Call.new(fields)
  call.deadline_ms = call.started_ms + call.settings.timeout_ms
  local ok
  ok, err = attempt(call)
  if not ok then return nil, err end
  client.pending = client.pending + 1
  client.pending_bytes = client.pending_bytes + fields.bytes
  return call
end

---@class iotmsg.Client
local methods = {}

---Sends without waiting. The call goes out by itself; its end comes by poll, wait, wait_all or drain.
---@param name string the operation's name
---@param params table its parameters and options for this call; read whole before this returns
---@param on_done fun(res: iotmsg.Result?, err: iotmsg.Error?)? runs exactly once, never inside start
---@return iotmsg.Call?
---@return iotmsg.Error? err nothing was started and on_done will not run
function methods:start(name, params, on_done)
  local operation = find_operation(self.family, name, 2)
  check_params(params, 2)
  if on_done ~= nil and type(on_done) ~= "function" then error("on_done must be a function", 2) end
  return start(self, operation, params, on_done)
end

-- What makes a prepared request repeatable, taken out of a copy of the parameters.
local function read_fixed(params)
  local own = {}
  for key, value in pairs(params) do own[key] = value end
  local timestamp, nonce = own.timestamp, own.nonce
  own.timestamp, own.nonce = nil, nil
  local _, err
  if timestamp ~= nil then
    _, err = check.value({ name = "timestamp", type = "integer", min = 0, max = 253402300799 }, timestamp)
  end
  if nonce ~= nil and not err then _, err = check.value({ name = "nonce", type = "string", max = 64 }, nonce) end
  return own, timestamp, nonce, err
end

-- Credentials for a request that is not sent: waits for a fetch.
local function await_credentials(fields)
  while true do
    local credentials, err, fetch = fields.family.credentials(fields.settings, fields.message)
    if not fetch then return credentials, err end
    Call.run_until(function() return fetch.done end)
    if fetch.err then return nil, fetch.err end
  end
end

---What would be sent, signed; nothing of the message is sent.
---@param name string the operation's name
---@param params table as for the operation; timestamp (Unix seconds) and nonce (Huawei: message_id) make the bytes
---repeatable
---@return iotmsg.Request?
---@return iotmsg.Error? err
function methods:prepare(name, params)
  local operation = find_operation(self.family, name, 2)
  check_params(params, 2)
  local own, timestamp, nonce, err = read_fixed(params)
  if err then return nil, err end
  if nonce and operation.idempotent then
    return nil, Error.invalid("nonce", "has no meaning here: give message_id")
  end
  local fields
  fields, err = read_call(self, operation, own)
  if not fields then return nil, err end
  local credentials
  credentials, err = await_credentials(fields)
  if not credentials then return nil, err end
  local signed
  signed, err = sign(fields, credentials, timestamp or math.floor(unix_ms() / 1000), nonce or uuid())
  if not signed then return nil, err end
  return request_of.new(signed, fields.settings, secrets_of(credentials, signed))
end

-- The class of a family's clients: the shared methods and one for each operation.
local function class_of(family, class_name)
  local class = { __name = class_name }
  class.__index = class
  for method, run in pairs(methods) do
    class[method] = function(client, ...)
      check_client(class, client, method .. "(…)", 2)
      return run(client, ...)
    end
  end
  for name, operation in pairs(family.operations) do
    class[name] = function(client, params)
      check_client(class, client, name .. "{…}", 2)
      check_params(params, 2)
      local call, err = start(client, operation, params)
      if not call then return nil, err end
      return call:wait()
    end
  end
  return class
end

local M = {}

local classes = {}
for name, family in pairs(families) do classes[name] = class_of(family, "iotmsg.Client") end

---@param family_name string "aliyun" or "huawei"
---@param given table? options
---@return iotmsg.Client?
---@return iotmsg.Error? err kind invalid_argument
function M.new(family_name, given)
  local family = families[family_name]
  local settings, err = family.options:read(given)
  if not settings then return nil, err end
  return setmetatable({ family = family, settings = settings, pending = 0, pending_bytes = 0 }, classes[family_name])
end

return M
