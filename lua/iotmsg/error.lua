-- The error object: what went wrong (kind), what became of the message (outcome), and everything else a caller can
-- act on. Knows no cloud and no transport; a table with a metatable, so that it prints, concatenates and indexes.

---@alias iotmsg.Kind
---| "invalid_argument" # refused before anything was sent
---| "context"     # this phase of the host cannot wait, or cannot start threads
---| "credentials" # none found, unreadable, or a token or metadata fetch failed
---| "network"     # no connection, DNS, proxy
---| "tls"         # certificate or handshake
---| "timeout"     # a deadline, the connect deadline included
---| "cancelled"   # by cancel, fork or exit
---| "resource"    # memory, descriptors, threads, a full queue of ours
---| "auth"        # the cloud refused who is calling
---| "throttled"   # the cloud's quota
---| "device"      # the device is offline, inactive, unknown to the topic, or did not take it
---| "refused"     # the cloud refused the content
---| "server"      # the cloud failed
---| "protocol"    # the reply could not be understood

---@alias iotmsg.Outcome
---| "not_sent" # proven: no byte of the message's own request left
---| "rejected" # the cloud answered no
---| "unknown"  # the cloud may have taken it

---@class iotmsg.Error
---@field kind iotmsg.Kind
---@field outcome iotmsg.Outcome over all tries: once one was unknown, only a success ends it better
---@field message string the vendor's words or ours
---@field code string? the vendor's code
---@field http_status integer?
---@field request_id string?
---@field body table? the decoded reply
---@field field string? the offending parameter, for invalid_argument
---@field retryable boolean whether trying again can help
---@field retry_after_ms integer? when
---@field attempts integer tries made

local M = {}

local mt = { __name = "iotmsg.Error" }

-- One line: whatever a server wrote into its message, it does not break a log.
local function one_line(text)
  return (text:gsub("[%c\127]+", " "))
end

function mt.__tostring(err)
  local parts = { "iotmsg: " .. one_line(err.message) .. " (" .. err.kind .. ", " .. err.outcome }
  if err.code then parts[#parts + 1] = ", code " .. one_line(tostring(err.code)) end
  if err.http_status then parts[#parts + 1] = (", HTTP %d"):format(err.http_status) end
  if err.request_id then parts[#parts + 1] = ", request " .. one_line(tostring(err.request_id)) end
  if err.attempts > 1 then parts[#parts + 1] = (", %d tries"):format(err.attempts) end
  parts[#parts + 1] = ")"
  return table.concat(parts)
end

function mt.__concat(a, b)
  return tostring(a) .. tostring(b)
end

---@param fields table kind, message, and what else is known
---@return iotmsg.Error
function M.new(fields)
  fields.outcome = fields.outcome or "not_sent"
  fields.retryable = fields.retryable or false
  fields.attempts = fields.attempts or 0
  return setmetatable(fields, mt)
end

---@param field string the parameter's or option's name
---@param message string what is wrong with it; the field's name is put before it
---@return iotmsg.Error
function M.invalid(field, message)
  return M.new { kind = "invalid_argument", field = field, message = field .. " " .. message }
end

---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == mt
end

return M
