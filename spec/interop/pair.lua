-- The same call made by a vendor's SDK and by iotmsg: what the SDK sent, and what iotmsg would send with the same key
-- at the same second, both taken apart.

local cjson = require "cjson"

local huawei = require "spec.interop.huawei"
local iotmsg = require "iotmsg"
local operations = require "spec.interop.operations"
local wire = require "spec.support.wire"

local M = {}

M.KEY = { access_key_id = "LTAI-FAKE-0000000000", access_key_secret = "fake-secret-000000000000000000" }

---@param left table
---@param right table
---@return table union of two maps that share no name
function M.merged(left, right)
  local union = {}
  for name, value in pairs(left) do union[name] = value end
  for name, value in pairs(right) do
    assert(union[name] == nil, "in both: " .. name)
    union[name] = value
  end
  return union
end

-- Both vendors' times, with separators and without.
local function unix_seconds(text)
  local year, month, day, hour, min, sec = text:match("^(%d%d%d%d)%-?(%d%d)%-?(%d%d)T(%d%d):?(%d%d):?(%d%d)Z$")
  local as_local = os.time { year = year, month = month, day = day, hour = hour, min = min, sec = sec, isdst = false }
  local utc = os.date("!*t", as_local)
  utc.isdst = false
  return as_local + (as_local - os.time(utc))
end

-- Makes the SDK's call and returns what came.
local function captured(server, sdk, operation, target, theirs)
  local answer = sdk:call(operation, target, theirs)
  assert(answer.code == nil, answer.message)
  return server:next()
end

---@param server table what capture.start returned
---@param operation table see operations.lua
---@param client table an entry of operation.clients
---@param payload table as an entry of operations.PAYLOADS
---@param token string?
---@return table prepared iotmsg's request with query, form and union of them
---@return table sent the SDK's
function M.rpc(server, operation, client, payload, token)
  local ours, theirs = operations.message(operation, client, payload)
  local target = M.merged(M.KEY, { endpoint = server.endpoint, security_token = token })
  local sent = captured(server, client.sdk, operation, target, theirs)
  sent.union = M.merged(sent.query, sent.form)
  ours.timestamp = unix_seconds(sent.union.Timestamp or sent.headers["x-acs-date"])
  ours.nonce = sent.union.SignatureNonce or sent.headers["x-acs-signature-nonce"]
  local iot = assert(iotmsg.new(M.merged(target, { signature = client.sdk.signature })))
  local prepared = assert(iot:prepare(operation.name, ours))
  prepared.query, prepared.form = wire.query(prepared), wire.fields(prepared.body)
  -- Checked here, and from here on written as the SDK does, so that the signatures can be compared.
  for name, spelled in pairs(client.spells or {}) do
    assert(sent.query[name] == spelled[1] and prepared.query[name] == spelled[2], "spelled otherwise: " .. name)
    prepared.query[name] = spelled[1]
  end
  prepared.union = M.merged(prepared.query, prepared.form)
  return prepared, sent
end

local function path_of(url)
  return url:match("^%a+://[^/]+([^?]*)$")
end

---@param server table
---@param sdk table one of huawei.clients
---@param case table one of huawei.cases
---@param token string?
---@return table prepared iotmsg's request with path and fields, its body decoded
---@return table sent the SDK's
function M.huawei(server, sdk, case, token)
  local ours, theirs = huawei.message(case)
  local sent = captured(server, sdk, {}, M.merged(M.KEY, { endpoint = server.endpoint, security_token = token,
    project_id = huawei.PROJECT_ID, region = huawei.REGION }), theirs)
  sent.fields = cjson.decode(sent.body)
  ours.timestamp = unix_seconds(sent.headers["x-sdk-date"])
  local client = assert(iotmsg.huawei.new(M.merged(M.KEY, { endpoint = server.endpoint, security_token = token,
    derived = sdk.derived, region = sdk.derived and huawei.REGION })))
  local prepared = assert(client:prepare("send", ours))
  prepared.path, prepared.fields = path_of(prepared.url), cjson.decode(prepared.body)
  return prepared, sent
end

return M
