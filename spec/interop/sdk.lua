-- The vendors' SDKs as the specs see them: a job in, an answer out, one process per call. The programs in clients/
-- run with an environment of their own, so that no key, proxy or certificate of the caller's reaches them.

local cjson = require "cjson"

local process = require "spec.support.process"

local CALL_TIMEOUT_S = 60

local M = {}

local Sdk = {}
Sdk.__index = Sdk

local folder = process.output_of("pwd") .. "/build/interop"
local node = { process.output_of("command -v node"), "NODE_PATH=" .. folder .. "/node/node_modules" }
local python = { folder .. "/python/bin/python", "PYTHONDONTWRITEBYTECODE=1" }

local function sdk(name, platform, program, more)
  local self = { name = name, platform = platform, program = program }
  for key, value in pairs(more) do self[key] = value end
  return setmetatable(self, Sdk)
end

-- exact: message ids beyond 2^53 arrive whole. typed: knows each operation's parameters and where they travel.
-- form_only: puts all parameters there. signs_too: headers in its signature beyond those that iotmsg signs.
M.pop_core = sdk("@alicloud/pop-core", node, "pop_core.js", { signature = "v1", exact = true, form_only = true })
M.openapi_v1 = sdk("@alicloud/openapi-client with V1", node, "openapi_client.js", { signature = "v1" })
M.openapi_v3 = sdk("@alicloud/openapi-client with V3", node, "openapi_client.js", { signature = "v3" })
M.node_typed = sdk("Node's typed SDK", node, "typed.js", { signature = "v3", typed = true })
M.python_typed = sdk("Python's typed SDK", python, "typed.py", { signature = "v3", typed = true, exact = true,
  signs_too = { "accept", "user-agent" } })
M.python_typed_v1 = sdk("Python's typed SDK with V1", python, "typed.py",
  { signature = "v1", typed = true, exact = true })

-- Huawei's. derived: told to sign with V11-HMAC-SHA256.
M.huawei_python = sdk("Python's typed SDK", python, "huawei.py", { typed = true, signs_too = { "user-agent" } })
M.huawei_python_derived = sdk("Python's typed SDK with V11", python, "huawei.py",
  { typed = true, derived = true, signs_too = { "user-agent" } })
M.huawei_node = sdk("@huaweicloud/huaweicloud-sdk-core", node, "huawei.js", {})
M.huawei_node_derived = sdk("@huaweicloud/huaweicloud-sdk-core with V11", node, "huawei.js", { derived = true })

local function write_file(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function answer_to(self, job)
  local path = write_file(cjson.encode(job))
  local child = process.start { "env", "-i", "PATH=" .. os.getenv("PATH"), "HOME=" .. folder, self.platform[2],
    "NODE_EXTRA_CA_CERTS=" .. (job.ca_file or ""), self.platform[1], "spec/interop/clients/" .. self.program, path }
  local line = child:read_line(CALL_TIMEOUT_S)
  child:stop()
  os.remove(path)
  return cjson.decode(line or error(self.name .. " said nothing: " .. child:errors()))
end

---Makes one call.
---@param operation table see operations.lua; Huawei's SDKs know but one and need none of it
---@param target table { endpoint, ca_file, access_key_id, access_key_secret, security_token }, Huawei: project_id,
---region
---@param parameters table<string, any> under the vendor's names
---@return table answer { reply = { name = text } } or { code, message }
function Sdk:call(operation, target, parameters)
  return answer_to(self, {
    endpoint = target.endpoint,
    ca_file = target.ca_file,
    access_key_id = target.access_key_id,
    access_key_secret = target.access_key_secret,
    security_token = target.security_token,
    project_id = target.project_id,
    region = target.region,
    derived = self.derived,
    signature = self.signature,
    product = operation.product,
    version = operation.version,
    action = operation.action,
    form = operation.form,
    parameters = parameters,
  })
end

---@param operation table
---@return string[] names of the operation's parameters that a typed SDK knows, sorted
function Sdk:known(operation)
  local job = { list = true, product = operation.product, version = operation.version, action = operation.action }
  local answer = answer_to(self, job)
  local known = answer.known or error(self.name .. ": " .. tostring(answer.message))
  table.sort(known)
  return known
end

---@param own string[] names of the headers that iotmsg signs
---@return string[] names that this SDK must sign then, sorted
function Sdk:signed_names(own)
  local all = {}
  for _, list in ipairs { own, self.signs_too or {} } do
    for _, name in ipairs(list) do all[#all + 1] = name end
  end
  table.sort(all)
  return all
end

return M
