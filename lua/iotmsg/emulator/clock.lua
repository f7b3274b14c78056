-- Times as the clouds write them, in UTC, whatever the time zone of the machine.
-- It reads the wall clock in one place (`now`), so that everything else is a function of its arguments.

local floor = math.floor

local clock = {}

---@return number seconds since 1970-01-01T00:00:00Z
function clock.now()
  return os.time()
end

---@param seconds number
---@return string as in 2024-02-29T23:59:59Z
function clock.iso(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", floor(seconds))
end

---@param seconds number
---@return string as in 20240229T235959Z
function clock.compact(seconds)
  return os.date("!%Y%m%dT%H%M%SZ", floor(seconds))
end

---@param seconds number
---@return string as an HTTP Date header wants it
function clock.http_date(seconds)
  return os.date("!%a, %d %b %Y %H:%M:%S GMT", floor(seconds))
end

local DAYS_BEFORE_MONTH = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 }
local DAYS_IN_MONTH = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_leap(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
end

---Strict: four, two, two digits, `T`, `Z`, a date that exists.
---@param text string
---@return number|nil seconds since the epoch; nil when the text is no such time
function clock.parse_iso(text)
  local year, month, day, hour, minute, second =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)Z$")
  if not year then
    return nil
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if year < 1970 or month < 1 or month > 12 or hour > 23 or minute > 59 or second > 59 then
    return nil
  end
  local leap = is_leap(year)
  if day < 1 or day > DAYS_IN_MONTH[month] + ((leap and month == 2) and 1 or 0) then
    return nil
  end
  local before = year - 1
  local leap_days = floor(before / 4) - floor(before / 100) + floor(before / 400) - 477
  local days = (year - 1970) * 365 + leap_days + DAYS_BEFORE_MONTH[month] + day - 1
  if leap and month > 2 then
    days = days + 1
  end
  return days * 86400 + hour * 3600 + minute * 60 + second
end

---@param text string as in 20240229T235959Z
---@return number|nil seconds since the epoch; nil when the text is no such time
function clock.parse_compact(text)
  local year, month, day, hour, minute, second = text:match("^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$")
  return year and clock.parse_iso(("%s-%s-%sT%s:%s:%sZ"):format(year, month, day, hour, minute, second)) or nil
end

return clock
