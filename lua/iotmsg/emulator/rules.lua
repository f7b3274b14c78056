-- The rules that make the emulator misbehave: read from JSON, and taken one after the other as requests match.
-- What a deed does to a request is misbehaviour.lua's matter.
--
-- A rule is { "match": { "action": A, "device": D }, "times": N, "rate": R, "do": DEED }. All but `do` may be left
-- out: A (`Pub`, `AsyncRRpc`, `SendMessage`, `CreateMessage`, `ListDeviceMessages`, `ShowDeviceMessage`,
-- `KeystoneCreateUserTokenByPassword`, `KeystoneListProjects`) and D (DeviceName, or the device in the topic or path)
-- stand for all; the rule is used up after N requests; it applies with probability R (0..1). The first rule that
-- applies to a request is the only one. In DEED:
--   "error": { "status": 400, "code": C, "message": M }   refused in the vendor's shape; iot.* is a business error
--   "throttle": true                                      refused as the vendor throttles
--   "html": STATUS                                        an HTML page with this status
--   "reply": { "status", "content_type", "body" }         this answer, to the letter
--   "delay_ms": N                                         waits before anything else
--   "clock_offset_s": N                                   the cloud's clock, its Date header included, is ahead by N
--   "huge": BYTES                                         the reply's body is filled up with spaces
--   "double": true                                        the reply is sent twice
--   "cut": "before"     the connection ends without a reply; the request is not carried out
--          "head"       the request is carried out, then the connection ends within the reply's head
--          "body"       the same within the reply's body
-- `error`, `throttle`, `html` and `reply` exclude each other: each comes instead of carrying the request out. The
-- rest can be combined with them and with each other, but `huge` counts only where neither `cut` nor `double` does. On
-- HTTP/2 a cut ends the whole connection, and a doubled reply has its body twice.

local json = require "iotmsg.emulator.json"

local RULES_MAX = 1000

local rules = {}
rules.__index = rules

---@return table rules none yet
function rules.new()
  return setmetatable({ list = {} }, rules)
end

local function number(from, to)
  return function(node)
    return node.kind == "number" and node.value >= from and node.value <= to and { node.value } or nil
  end
end

local function text(node)
  return node.kind == "string" and { node.value } or nil
end

local function yes(node)
  return node.kind == "boolean" and { node.value } or nil
end

local function cut_at(node)
  local at = node.kind == "string" and node.value
  return (at == "before" or at == "head" or at == "body") and { at } or nil
end

local function integer(from, to)
  return function(node)
    return number(from, to)(node) and node.value % 1 == 0 and { math.floor(node.value) } or nil
  end
end

local STATUS = integer(100, 599)

local function fields(declared)
  return function(node, where)
    if node.kind ~= "object" then
      return nil
    end
    local found = {}
    for _, name in ipairs(node.names) do
      local read = declared[name]
      if not read then
        return nil, ("%s%s is not known"):format(where, name)
      end
      local value, problem = read(node.value[name], where .. name .. ".")
      if not value then
        return nil, problem or ("%s%s has a wrong value"):format(where, name)
      end
      found[name] = value[1]
    end
    return { found }
  end
end

local read_rule = fields({
  match = fields({ action = text, device = text }),
  times = integer(1, 1e9),
  rate = number(0, 1),
  ["do"] = fields({
    error = fields({ status = STATUS, code = text, message = text }),
    reply = fields({ status = STATUS, content_type = text, body = text }),
    throttle = yes, html = STATUS, delay_ms = number(0, 600000), clock_offset_s = number(-1e9, 1e9),
    huge = integer(0, 1e9), double = yes, cut = cut_at,
  }),
})

local function count_answers(deed)
  local count = 0
  for _, name in ipairs({ "error", "throttle", "html", "reply" }) do
    count = count + (deed[name] and 1 or 0)
  end
  return count
end

---Adds rules after those that are there.
---@param body string JSON: one rule or an array of them
---@return boolean|nil ok
---@return string|nil problem nothing was added
function rules:add(body)
  local node = json.decode(body)
  local items = node and (node.kind == "array" and node.value or { node })
  if not items then
    return nil, "the body is not JSON"
  elseif #items + #self.list > RULES_MAX then
    return nil, "too many rules"
  end
  local read = {}
  for index, item in ipairs(items) do
    local rule, problem = read_rule(item, "")
    local deed = rule and rule[1]["do"]
    if rule and not deed then
      problem = "do is missing"
    elseif deed and count_answers(deed) > 1 then
      problem = "error, throttle, html and reply exclude each other"
    end
    if not rule or problem then
      return nil, ("rule %d: %s"):format(index, problem or "is not an object")
    end
    read[index] = rule[1]
    read[index].source, read[index].applied = json.source(body, item), 0
  end
  for _, rule in ipairs(read) do
    table.insert(self.list, rule)
  end
  return true
end

function rules:clear()
  self.list = {}
end

---@return boolean
function rules:are_none()
  return #self.list == 0
end

---@return table document the rules and how often each was applied, as json.encode takes it
function rules:document()
  local list = {}
  for index, rule in ipairs(self.list) do
    list[index] = { fields = { { "rule", json.raw(rule.source) }, { "applied", rule.applied } } }
  end
  return { fields = { { "rules", list } } }
end

local function applies(rule, described)
  local match = rule.match or {}
  return (match.action == nil or match.action == described.action)
    and (match.device == nil or match.device == described.device)
    and (rule.times == nil or rule.applied < rule.times)
    and (rule.rate == nil or math.random() < rule.rate)
end

---@param described table { action, device } of a request
---@return table deed what to do to it; empty when no rule applies
function rules:take(described)
  for _, rule in ipairs(self.list) do
    if applies(rule, described) then
      rule.applied = rule.applied + 1
      return rule["do"]
    end
  end
  return {}
end

return rules
