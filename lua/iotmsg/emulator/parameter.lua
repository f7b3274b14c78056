-- Checks the parameters a caller sent against the table an action declares: unknown, missing, mistyped, out
-- of place. Errors are the gateway's documented ones; what a value means is the action's business.

local packet = require "iotmsg.emulator.mqtt_packet"
local reply = require "iotmsg.emulator.reply"

local parameter = {}

---@class iotmsg.emulator.parameter
---@field name string as the vendor writes it
---@field type string "string", "integer", "boolean" or "pairs" (`Name.N.Key`, `Name.N.Value`)
---@field required boolean|nil
---@field position string|nil "query" or "form", where V3 callers must send it; nil means either
---@field min integer|nil
---@field max integer|nil for "pairs": how many
---@field multiline boolean|nil a string that may hold control characters

local function invalid(name, reason)
  local message = ("The parameter %s %s."):format(name, reason)
  return { status = 400, code = "InvalidParameter." .. name, message = message }
end

local function missing(name)
  return { status = 400, code = "Missing" .. name, message = name .. " is mandatory for this action." }
end

local read = {}

function read.string(spec, text)
  if not spec.multiline and not packet.is_text(text) then
    return nil, invalid(spec.name, "is not UTF-8 text without control characters")
  end
  return text
end

function read.integer(spec, text)
  local number = #text <= 15 and text:find("^%-?%d+$") and tonumber(text)
  if not number then
    return nil, invalid(spec.name, "is not an integer")
  end
  if number < (spec.min or number) or number > (spec.max or number) then
    return nil, invalid(spec.name, ("is not in %.0f..%.0f"):format(spec.min, spec.max))
  end
  return number
end

function read.boolean(spec, text)
  local lower = text:lower()
  if lower == "true" or lower == "false" then
    return { given = lower == "true" }
  end
  return nil, invalid(spec.name, "is neither true nor false")
end

-- `UserProp.3.Key` of a "pairs" parameter: collects into groups[3].Key.
local function read_pair(by_name, groups, name, text)
  local base, index, part = name:match("^(%a+)%.([1-9]%d*)%.(%a+)$")
  local spec = base and by_name[base]
  if not spec or spec.type ~= "pairs" or (part ~= "Key" and part ~= "Value") or #index > 6 then
    return nil, { status = 400, code = "InvalidParameter",
      message = ("The parameter %s is not known to this action."):format(reply.printable(name)) }
  end
  if not packet.is_text(text) then
    return nil, invalid(name, "is not UTF-8 text without control characters")
  end
  index = tonumber(index)
  local group = groups[base] or {}
  groups[base] = group
  group[index] = group[index] or { index = index }
  group[index][part] = text
  return true
end

local function finish_pairs(spec, group)
  local found = {}
  for _, pair in pairs(group) do
    found[#found + 1] = pair
  end
  table.sort(found, function(left, right)
    return left.index < right.index
  end)
  if #found > spec.max then
    return nil, invalid(spec.name, ("has more than %d pairs"):format(spec.max))
  end
  for position, pair in ipairs(found) do
    if not pair.Key or not pair.Value then
      local absent = ("%s.%d.%s"):format(spec.name, pair.index, pair.Key and "Value" or "Key")
      return nil, missing(absent)
    end
    found[position] = { pair.Key, pair.Value }
  end
  return found
end

local function read_all(by_name, given, place, strict, values, groups)
  for name, text in pairs(given) do
    local spec = by_name[name]
    if not spec or spec.type == "pairs" then
      local ok, problem = read_pair(by_name, groups, name, text)
      if not ok then
        return nil, problem
      end
      spec = by_name[name:match("^%a+")]
    elseif text ~= "" or spec.required then
      local value, problem = read[spec.type](spec, text)
      if value == nil then
        return nil, problem
      end
      if spec.type == "boolean" then
        value = value.given
      end
      values[name] = value
    end
    if strict and place == "form" and spec.position == "query" then
      return nil, invalid(name, "belongs in the query, not in the form")
    end
  end
  return true
end

---An optional parameter that is sent empty counts as not sent.
---@param declared iotmsg.emulator.parameter[]
---@param query table<string, string> without the common parameters
---@param form table<string, string> without the common parameters
---@param strict boolean whether parameters in the wrong place are refused (V3 signs query and form apart)
---@return table|nil values by vendor name; "pairs" as { { key, value }, … }
---@return table|nil problem { status, code, message }
function parameter.check(declared, query, form, strict)
  local by_name = declared.by_name
  if not by_name then
    by_name = {}
    for _, spec in ipairs(declared) do
      by_name[spec.name] = spec
    end
    declared.by_name = by_name
  end
  local values, groups = {}, {}
  local ok, problem = read_all(by_name, query, "query", strict, values, groups)
  if ok then
    ok, problem = read_all(by_name, form, "form", strict, values, groups)
  end
  if not ok then
    return nil, problem
  end
  for _, spec in ipairs(declared) do
    if spec.required and values[spec.name] == nil then
      return nil, missing(spec.name)
    end
    if groups[spec.name] then
      values[spec.name], problem = finish_pairs(spec, groups[spec.name])
      if problem then
        return nil, problem
      end
    end
  end
  return values
end

return parameter
