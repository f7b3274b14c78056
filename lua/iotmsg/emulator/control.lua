-- The emulator's own door, /_emulator/rules: POST adds rules, DELETE takes all away, GET shows them. Unsigned, so it
-- opens only when the emulator listens on a loopback address. POST wants application/json, which a stranger's web
-- page cannot send from a browser without being asked first.

local json = require "iotmsg.emulator.json"

local PATH = "/_emulator/rules"

local control = {}
control.__index = control

---@param host string where the emulator listens
---@return boolean
function control.may_open(host)
  return host == "localhost" or host == "::1" or host:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

---@param rules table rules.new()
---@return table door
function control.new(rules)
  return setmetatable({ rules = rules }, control)
end

---@param request table
---@return boolean
function control.accepts(_, request)
  return request.path == PATH
end

local function answer(status, fields, action)
  return {
    status = status, body = json.encode({ fields = fields }), content_type = "application/json", action = action,
  }
end

local function add(self, request)
  local content_type = request.headers["content-type"]
  if type(content_type) ~= "string" or not content_type:lower():find("^application/json") then
    return answer(415, { { "error", "Content-Type must be application/json" } }, "rules")
  end
  local ok, problem = self.rules:add(request.body)
  if not ok then
    return answer(400, { { "error", problem } }, "rules")
  end
  return answer(200, self.rules:document().fields, "rules")
end

---@param request table
---@return iotmsg.emulator.reply
function control:handle(request)
  if request.method == "POST" then
    return add(self, request)
  elseif request.method == "DELETE" then
    self.rules:clear()
  elseif request.method ~= "GET" then
    return answer(405, { { "error", "only GET, POST and DELETE" } }, "rules")
  end
  return answer(200, self.rules:document().fields, "rules")
end

return control
