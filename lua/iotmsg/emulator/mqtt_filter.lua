-- Which topics an MQTT subscription covers (OASIS MQTT 5.0, 4.7 and 4.8.2).

local mqtt_filter = {}

local function levels_of(text)
  local levels = {}
  for level in (text .. "/"):gmatch("([^/]*)/") do
    levels[#levels + 1] = level
  end
  return levels
end

---@param filter string as a device subscribes, `$share/group/…` included
---@param topic string
---@return boolean
function mqtt_filter.matches(filter, topic)
  filter = filter:match("^%$share/[^/]*/(.*)$") or filter
  -- Wildcards in the first level do not reach topics of the platform's own.
  if topic:sub(1, 1) == "$" and filter:find("^[+#]") then
    return false
  end
  local wanted, given = levels_of(filter), levels_of(topic)
  for index, level in ipairs(wanted) do
    if level == "#" then
      return true
    elseif given[index] == nil or (level ~= "+" and level ~= given[index]) then
      return false
    end
  end
  return #wanted == #given
end

return mqtt_filter
