-- The verdicts of which the catalogues are made: the kind, whether the message may have been taken all the same,
-- whether trying again can help, and whether fresh credentials can. Pure.

local M = {
  AUTH = { kind = "auth", outcome = "rejected", retryable = false },
  WHO = { kind = "auth", outcome = "rejected", retryable = false, renews = true }, -- key, signature or token
  REFUSED = { kind = "refused", outcome = "rejected", retryable = false },
  DEVICE = { kind = "device", outcome = "rejected", retryable = false },
  THROTTLED = { kind = "throttled", outcome = "rejected", retryable = true },
  SERVER = { kind = "server", outcome = "unknown", retryable = true },
  NOT_UNDERSTOOD = { kind = "protocol", outcome = "unknown", retryable = false },
}

---What an HTTP status says where no known code does.
---@param status integer
---@return table verdict
function M.by_status(status)
  if status == 429 then return M.THROTTLED end
  if status == 401 then return M.WHO end
  if status == 403 then return M.AUTH end
  if status == 408 or status >= 500 then return M.SERVER end
  return M.REFUSED
end

---What a reply that could not be decoded says: its status, still; a web page is some gateway's own words.
---@param status integer
---@param is_page boolean
---@return table verdict
function M.of_unreadable(status, is_page)
  if status < 400 then return M.NOT_UNDERSTOOD end
  local verdict = M.by_status(status)
  if not is_page then return verdict end
  return { kind = "protocol", outcome = verdict.outcome, retryable = verdict.retryable }
end

return M
