-- Tells a running emulator to misbehave, and to stop doing so; see lua/iotmsg/emulator/rules.lua for the rules.

local rpc_client = require "spec.support.rpc_client"

local cjson = require "cjson"

local rules = {}

local PATH = "/_emulator/rules"

---Adds rules.
---@param emulator table what spec.support.emulator started
---@param list table|string one rule, an array of rules, or JSON
---@return iotmsg.spec.answer
function rules.try(emulator, list)
  local body = type(list) == "table" and cjson.encode(list) or list
  return rpc_client.send(emulator, {
    method = "POST", target = PATH, body = body, headers = { ["content-type"] = "application/json" },
  })
end

---Takes all rules away, then adds these; an error when they are not accepted.
---@param emulator table
---@param list table|string|nil
function rules.set(emulator, list)
  assert(rpc_client.send(emulator, { method = "DELETE", target = PATH }).status == "200")
  if list then
    local answer = rules.try(emulator, list)
    assert(answer.status == "200", answer.body)
  end
end

---@param emulator table
---@return table[] each { rule, applied }
function rules.list(emulator)
  return rpc_client.send(emulator, { target = PATH }).json.rules
end

return rules
