-- The front door for Huawei IAM: a token for a user's password, and the project of a name. A request in, a reply
-- out; which tokens are good is token.lua's matter.

local clock = require "iotmsg.emulator.clock"
local json = require "iotmsg.emulator.json"
local percent = require "iotmsg.emulator.percent"
local reply = require "iotmsg.emulator.huawei.reply"

local iam = {}
iam.__index = iam

local ACTIONS = {
  ["POST /v3/auth/tokens"] = "KeystoneCreateUserTokenByPassword",
  ["GET /v3/projects"] = "KeystoneListProjects",
}
local TITLES = { [400] = "Bad Request", [401] = "Unauthorized", [404] = "Not Found", [429] = "Too Many Requests" }

---@param options table { user, password, domain, project_id, tokens, caller, now }
---@return table door
function iam.new(options)
  return setmetatable(options, iam)
end

---@param request table
---@return boolean
function iam.accepts(_, request)
  return request.path:find("^/v3/") ~= nil
end

---@param request table
---@return table { action }
function iam.describe(_, request)
  return { action = ACTIONS[request.method .. " " .. request.path] }
end

local function refusal(status, message)
  return { status = status, message = message }
end

local function microseconds(seconds)
  return (clock.iso(seconds):gsub("Z$", ".000000Z"))
end

-- The value at a path of names, when it is of the kind wanted.
local function at(node, kind, ...)
  for _, name in ipairs({ ... }) do
    node = node and node.kind == "object" and node.value[name] or nil
  end
  return node and node.kind == kind and node.value or nil
end

local function uses_password(identity)
  for _, method in ipairs(at(identity, "array", "methods") or {}) do
    if method.value == "password" then
      return true
    end
  end
  return false
end

-- A project by id or by name, nothing, or a whole account.
local function read_scope(auth)
  return {
    project_id = at(auth, "string", "scope", "project", "id"),
    project_name = at(auth, "string", "scope", "project", "name"),
  }
end

local function create_token(self, call, request)
  local body = json.decode(request.body)
  local auth = body and body.kind == "object" and body.value.auth or nil
  local identity = auth and auth.kind == "object" and auth.value.identity or nil
  if not uses_password(identity) then
    return nil, refusal(400, "The request body is invalid: auth.identity.methods must name password.")
  end
  local name = at(identity, "string", "password", "user", "name")
  local password = at(identity, "string", "password", "user", "password")
  local domain = at(identity, "string", "password", "user", "domain", "name")
  if not (name and password and domain) then
    return nil, refusal(400, "The request body is invalid: user name, password or domain name is missing.")
  elseif name ~= self.user or password ~= self.password or domain ~= self.domain then
    return nil, refusal(401, "The username or password is wrong.")
  end
  local scope = read_scope(auth)
  local now_s = self.now() + (request.clock_offset_s or 0)
  local text, expires_at = self.tokens:issue(scope, now_s)
  local project = (scope.project_id or scope.project_name) and { fields = {
    { "id", scope.project_id or self.project_id }, { "name", scope.project_name or "emulator" },
  } }
  local answer = reply.document(call, 201, { fields = { { "token", { fields = {
    { "expires_at", microseconds(expires_at) },
    { "issued_at", microseconds(now_s) },
    { "methods", { "password" } },
    { "project", project },
    { "user", { fields = { { "name", name }, { "domain", { fields = { { "name", domain } } } } } } },
  } } } } }, "token until " .. clock.iso(expires_at))
  table.insert(answer.headers, { "x-subject-token", text })
  return answer
end

local function list_projects(self, call, request)
  local query = {}
  percent.parse_form(request.query, query)
  local problem = self.caller:check(request, query, self.now() + (request.clock_offset_s or 0))
  if problem then
    return nil, refusal(problem.status, problem.message)
  end
  local project = { fields = { { "id", self.project_id }, { "name", query.name or "emulator" } } }
  return reply.document(call, 200, { fields = { { "projects", { project } } } }, "1")
end

local RUN = { KeystoneCreateUserTokenByPassword = create_token, KeystoneListProjects = list_projects }

local function error_reply(call, problem)
  return reply.document(call, problem.status, { fields = { { "error", { fields = {
    { "code", problem.status },
    { "message", problem.message },
    { "title", TITLES[problem.status] or "Error" },
  } } } } }, problem.code or tostring(problem.status))
end

---@param request table
---@return iotmsg.emulator.reply
function iam:handle(request)
  local call = { request_id = reply.request_id(), action = self:describe(request).action }
  local run = RUN[call.action]
  if not run then
    return error_reply(call, refusal(404, "Could not find the requested resource."))
  end
  local answer, problem = run(self, call, request)
  return answer or error_reply(call, problem)
end

---@param request table
---@param problem table { status, code, message }
---@return iotmsg.emulator.reply the refusal in IAM's shape, which has no code but the status
function iam:refuse(request, problem)
  return error_reply({ request_id = reply.request_id(), action = self:describe(request).action }, problem)
end

---@param reason string
---@return table problem for a request that could not be read
function iam.unreadable(reason)
  return refusal(400, "The request cannot be read: " .. reason .. ".")
end

---@return table problem for a fault of the emulator's own
function iam.failed()
  return refusal(500, "An unexpected error prevented the server from fulfilling your request.")
end

---@return table problem
function iam.throttled()
  return { status = 429, code = "429", message = "The throttling threshold has been reached." }
end

return iam
