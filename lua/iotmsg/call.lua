-- The handle of a call under way: wait for it, ask for it, cancel it. What happens to the call stands in client.lua;
-- what the engine hands out comes in here, one completion at a time.

local core = require "iotmsg.core"
local engine = require "iotmsg.engine"
local Error = require "iotmsg.error"
local host = require "iotmsg.host"

local M = {}

---@class iotmsg.Call
local Call = {}
Call.__index = Call
Call.__name = "iotmsg.Call"
M.methods = Call

local completed = 0 -- calls finished in this state, ever

local now_ms = core.engine.now_ms

function Call.__tostring(call)
  local state = not call.finished and "under way" or call.result and "accepted" or call.err.kind
  return ("iotmsg.Call: %s, %s"):format(call.operation.name, state)
end

---Tells the option on_event; what it throws is kept until the call's own state is in order.
---@param name string "attempt" or "done"
---@param err iotmsg.Error?
---@param http_status integer?
function Call:tell(name, err, http_status)
  local on_event = self.settings.on_event
  if not on_event then return end
  local ok, thrown = pcall(on_event, {
    name = name,
    operation = self.operation.name,
    attempt = self.attempts,
    duration_ms = now_ms() - (name == "done" and self.started_ms or self.attempt_ms),
    http_status = http_status,
    kind = err and err.kind,
    outcome = err and err.outcome or "accepted",
  })
  if not ok then self.thrown = { thrown } end
end

---Ends the call, once: from here on every wait gives this.
---@param result table?
---@param err iotmsg.Error?
function Call:finish(result, err)
  self.finished, self.result, self.err = true, result, err
  completed = completed + 1
  local ledger, on_done = self.ledger, self.on_done
  ledger.pending = ledger.pending - 1
  ledger.pending_bytes = ledger.pending_bytes - self.bytes
  self.message, self.secrets, self.credentials, self.on_done = nil, nil, nil, nil -- only the end is kept
  self:tell("done", err, result and result.http_status or err and err.http_status)
  if on_done then on_done(result, err) end
end

---Hands out completions until the condition holds or the time is spent.
---@param is_met fun(): boolean
---@param timeout_ms number? nil: no limit of its own
---@return boolean met
function M.run_until(is_met, timeout_ms)
  local deadline = timeout_ms and now_ms() + timeout_ms
  local ready = engine.count() -- what may be there already is handed out even if the time is spent
  while not is_met() do
    local left = deadline and deadline - now_ms()
    local stepped = (not left or left > 0 or ready > 0) and engine.step()
    ready = ready - 1
    if not stepped then
      local outlet = engine.outlet()
      if not outlet or left and left <= 0 then return false end
      host.current().wait(outlet, left)
    end
  end
  return true
end

local function check_timeout(timeout_ms, level)
  if timeout_ms == nil then return end
  if type(timeout_ms) ~= "number" or timeout_ms ~= timeout_ms or timeout_ms < 0 then
    error("timeout_ms must be a number of milliseconds, or nil", level + 1)
  end
end

local function wait_over(what)
  return nil, Error.new {
    kind = "timeout", outcome = "unknown", retryable = false,
    message = what .. "; they go on by themselves: wait or poll again",
  }
end

---Waits for the call's end. A wait whose own time is spent leaves the call alone: it goes on.
---@param timeout_ms number? milliseconds; nil: until the call ends, which its own deadline guarantees
---@return iotmsg.Result?
---@return iotmsg.Error? err kind timeout, outcome unknown, with call:done() false, when the wait's time is spent
function Call:wait(timeout_ms)
  check_timeout(timeout_ms, 2)
  if not M.run_until(function() return self.finished end, timeout_ms) then
    return wait_over("the call had not ended when the wait's time was over")
  end
  return self.result, self.err
end

---@return boolean whether the call has ended
function Call:done()
  return self.finished
end

---Asks for the call's end; it comes by poll or wait as kind cancelled, unless another end comes first.
function Call:cancel()
  if self.finished then return end
  self.cancelled = true
  engine.cancel(self)
end

---Hands out what has completed: results, callbacks, retries.
---@param timeout_ms number? milliseconds to wait for the first completion; default 0
---@param max_calls integer? at most so many calls
---@return integer completed how many calls ended
function M.poll(timeout_ms, max_calls)
  check_timeout(timeout_ms, 2)
  local before = completed
  local limit = before + (max_calls or math.huge)
  if timeout_ms and timeout_ms > 0 then
    M.run_until(function() return completed > before end, timeout_ms)
  end
  while completed < limit and engine.step() do end -- luacheck: ignore 542
  return completed - before
end

local function check_calls(calls, level)
  local count = 0
  for _ in pairs(calls) do count = count + 1 end
  for i = 1, count do
    if getmetatable(calls[i]) ~= Call then
      error("wait_all takes an array of calls: what start returned, without holes", level + 1)
    end
  end
end

---@param calls iotmsg.Call[]
---@param timeout_ms number? milliseconds
---@return true? all of them have ended
---@return iotmsg.Error? err kind timeout, outcome unknown
function M.wait_all(calls, timeout_ms)
  check_timeout(timeout_ms, 2)
  check_calls(calls, 2)
  local at = 1
  local function all_done()
    while calls[at] and calls[at].finished do at = at + 1 end
    return calls[at] == nil
  end
  if M.run_until(all_done, timeout_ms) then return true end
  return wait_over("calls had not ended when the wait's time was over")
end

---Waits until nothing is under way any more.
---@param timeout_ms number? milliseconds
---@return true?
---@return iotmsg.Error? err kind timeout, outcome unknown
function M.drain(timeout_ms)
  check_timeout(timeout_ms, 2)
  if M.run_until(function() return engine.count() == 0 end, timeout_ms) then return true end
  return wait_over(("%d calls had not ended when the wait's time was over"):format(engine.count()))
end

---@param fields table what client.lua knows of the call
---@return iotmsg.Call
function M.new(fields)
  fields.finished = false
  fields.attempts = 0
  fields.secrets = {}
  fields.slot = false
  fields.started_ms = now_ms()
  return setmetatable(fields, Call)
end

return M
