-- Values against their declarations: the one place that knows what "an integer" or "a string" from a caller may look
-- like. Parameters and options are declared as lists of rules; a call's table is read once, here, and what comes out
-- is ours. Pure; errors name the field and the limit.

local Error = require "iotmsg.error"
local text = require "iotmsg.text"

local M = {}

---@class iotmsg.Rule
---@field name string the name a caller writes
---@field type string a key of the checkers below
---@field required boolean?
---@field min number? smallest integer, or fewest bytes of a string
---@field max number? largest integer, or most bytes of a string
---@field only_default boolean? an option that gives a parameter its default and does nothing else
---@field secret boolean? its value stands in no error
---@field one_of any[]? the only values allowed
---@field pattern string? what a string must match
---@field says string? what the pattern asks for, in words
---@field read (fun(value: any): any, string?, string?)? turns a value of the right type into ours, or says what is
---wrong with it and, for a part of it, with which

local checkers = {}

local function quoted(value)
  if type(value) == "string" then return ("the string %q"):format(value:sub(1, 40)) end
  if type(value) == "number" and value == math.floor(value) and math.abs(value) < 2 ^ 53 then
    return ("the number %d"):format(value)
  end
  return "the " .. type(value) .. " " .. tostring(value)
end

local function type_error(rule, value, wanted)
  if rule.secret or type(value) == "table" or type(value) == "function" or type(value) == "userdata" then
    return Error.invalid(rule.name, ("must be %s, not a %s"):format(wanted, type(value)))
  end
  return Error.invalid(rule.name, ("must be %s, not %s"):format(wanted, quoted(value)))
end

local function within(rule, value)
  if rule.min and value < rule.min then
    return Error.invalid(rule.name, ("must be at least %d, not %s"):format(rule.min, tostring(value)))
  end
  if rule.max and value > rule.max then
    return Error.invalid(rule.name, ("must be at most %d, not %s"):format(rule.max, tostring(value)))
  end
end

local function one_of(rule, value)
  if not rule.one_of then return end
  local names = {}
  for i, allowed in ipairs(rule.one_of) do
    if value == allowed then return end
    names[i] = type(allowed) == "string" and ('"' .. allowed .. '"') or tostring(allowed)
  end
  return Error.invalid(rule.name, ("must be %s, not %s"):format(table.concat(names, " or "), quoted(value)))
end

local function size(rule, value)
  if rule.max and #value > rule.max then
    return Error.invalid(rule.name, ("is %d bytes long; the limit is %d"):format(#value, rule.max))
  end
  if #value < (rule.min or 1) then
    return Error.invalid(rule.name, rule.min and ("must be at least %d bytes long"):format(rule.min)
      or "must not be empty")
  end
end

-- Text that goes into a query, a path or a header.
function checkers.string(rule, value)
  if type(value) ~= "string" then
    if type(value) == "number" then
      return Error.invalid(rule.name, "must be a string, not a number"
        .. (rule.secret and "" or (': write "%s"'):format(tostring(value))))
    end
    return type_error(rule, value, "a string")
  end
  local err = size(rule, value) or one_of(rule, value)
  if err then return err end
  if value:find("[%z\r\n]") then return Error.invalid(rule.name, "must not contain CR, LF or NUL") end
  if not text.is_utf8(value) then return Error.invalid(rule.name, "must be valid UTF-8") end
  if rule.pattern and not value:find(rule.pattern) then return Error.invalid(rule.name, rule.says) end
end

-- Any bytes at all.
function checkers.bytes(rule, value)
  if type(value) ~= "string" then return type_error(rule, value, "a string of bytes") end
  return size(rule, value)
end

function checkers.integer(rule, value)
  if type(value) ~= "number" then
    if type(value) == "string" and tonumber(value) then
      return Error.invalid(rule.name, ("must be an integer, not a string: write %s"):format(value))
    end
    return type_error(rule, value, "an integer")
  end
  if value ~= value or value == math.huge or value == -math.huge or value ~= math.floor(value) then
    return Error.invalid(rule.name, ("must be an integer, not %s"):format(tostring(value)))
  end
  return one_of(rule, value) or within(rule, value)
end

function checkers.boolean(rule, value)
  if type(value) ~= "boolean" then return type_error(rule, value, "true or false") end
end

checkers["function"] = function(rule, value)
  if type(value) ~= "function" then return type_error(rule, value, "a function") end
end

-- Rules whose own check says everything: unions and structures.
function checkers.any()
end

---@param rule iotmsg.Rule
---@param value any
---@return any value as we keep it; nil with an error
---@return iotmsg.Error? err
function M.value(rule, value)
  local err = checkers[rule.type](rule, value)
  if err then return nil, err end
  if not rule.read then return value end
  local ours, what, field = rule.read(value)
  if what then return nil, Error.invalid(field or rule.name, what) end
  return ours
end

---@class iotmsg.Rules
---@field list iotmsg.Rule[] in the order in which they are checked
---@field by_name table<string, iotmsg.Rule>

---@param list iotmsg.Rule[]
---@return iotmsg.Rules
function M.rules(list)
  local by_name = {}
  for _, rule in ipairs(list) do by_name[rule.name] = rule end
  return { list = list, by_name = by_name }
end

---@param name any what a caller wrote
---@param known iotmsg.Rules[] what could have been meant
---@param hints table<string, string>? what to say of certain names
---@return iotmsg.Error
function M.unknown(name, known, hints)
  if type(name) ~= "string" then
    return Error.invalid(tostring(name), "is no name: every operation takes one table of named values")
  end
  if hints and hints[name] then return Error.invalid(name, hints[name]) end
  local names = {}
  for _, rules in ipairs(known) do
    for _, rule in ipairs(rules.list) do names[#names + 1] = rule.name end
  end
  local nearest = text.nearest(name, names)
  return Error.invalid(name, "is not a known name" .. (nearest and ("; did you mean %q?"):format(nearest) or ""))
end

return M
