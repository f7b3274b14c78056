-- Whether to try again, and when. Pure: the random number is an argument.

local M = {}

local BASE_MS = 100
local CAP_MS = 5000

---@param settings table retry, max_attempts
---@param err iotmsg.Error of this try alone
---@param attempts integer made so far
---@param remaining_ms number until the call's deadline
---@param random number in [0, 1)
---@param idempotent boolean? a second arrival of the same message does no harm
---@return integer? delay_ms nil: this was the last try
function M.delay_ms(settings, err, attempts, remaining_ms, random, idempotent)
  if settings.retry == "off" or not err.retryable or attempts >= settings.max_attempts then return end
  if settings.retry == "safe" and err.outcome == "unknown" and not idempotent then return end -- it could arrive twice
  -- Exponential back-off with full jitter: Amazon Builders' Library, "Timeouts, retries, and backoff with jitter".
  local ceiling = math.min(CAP_MS, BASE_MS * 2 ^ (attempts - 1))
  local delay = math.ceil(math.max(random * ceiling, err.retry_after_ms or 0))
  if delay < remaining_ms then return delay end
end

return M
