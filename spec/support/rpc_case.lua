-- One of Alibaba's operations, prepared with both signatures: where its parameters stand, and what it refuses.

local assert = require "luassert"
local iotmsg = require "iotmsg"
local refused = require "spec.support.refusal"
local wire = require "spec.support.wire"

local M = {}
M.__index = M

---@param operation string
---@param host string
---@param base table parameters that every case has
---@return table case
function M.new(operation, host, base)
  local options = wire.options { endpoint = host }
  return setmetatable({
    operation = operation,
    base = base,
    clients = {
      v3 = assert(iotmsg.new(options)),
      v1 = assert(iotmsg.new(wire.options { endpoint = host, signature = "v1" })),
    },
  }, M)
end

---@param more table? parameters to add or replace
---@param fixed boolean? with timestamp and nonce
---@return table params
function M:params(more, fixed)
  local values = {}
  for name, value in pairs(self.base) do values[name] = value end
  for name, value in pairs(more or {}) do values[name] = value end
  if fixed then values.timestamp, values.nonce = 1709251199, "n" end
  return values
end

local function find_signed(signed, name, value, times)
  local pair = wire.encode(name) .. "=" .. wire.encode(value)
  for _ = 2, times do pair = wire.encode(pair) end
  assert.is_truthy(signed:find(pair, 1, true), pair:sub(1, 200))
end

-- The hash of the body in V3's canonical request is that of these bytes.
local function assert_hashed(request)
  local again = assert(iotmsg.sign.aliyun_v3 { method = "POST", headers = {}, body = request.body, access_key_id = "i",
    access_key_secret = "s" })
  local hash = again.canonical_request:match("[^\n]*$")
  assert.equal(hash, request.headers["x-acs-content-sha256"])
  assert.equal(hash, request.canonical_request:match("[^\n]*$"))
end

---Asserts where the parameters stand: in the address, in the body, and in what is signed.
---@param params table
---@param query table<string, string> the whole query but for the common parameters
---@param form table<string, string> the whole form
function M:on_wire(params, query, form)
  for signature, client in pairs(self.clients) do
    local request, err = client:prepare(self.operation, params)
    assert.is_nil(err, tostring(err))
    assert.equal("POST", request.method)
    assert.equal("application/x-www-form-urlencoded", request.headers["content-type"])
    assert.same(query, signature == "v1" and (wire.v1_query(request)) or (wire.query(request)))
    assert.same(form, (wire.fields(request.body)))
    if signature == "v1" then
      for _, fields in ipairs { query, form } do
        for name, value in pairs(fields) do find_signed(request.string_to_sign, name, value, 2) end
      end
    else
      for name, value in pairs(query) do find_signed(request.canonical_request, name, value, 1) end
      assert_hashed(request)
    end
  end
end

---Asserts that the parameters are refused, by prepare as by the operation itself.
---@param params table without timestamp and nonce
---@param field string
---@param ... string words
function M:refused(params, field, ...)
  for _, client in pairs(self.clients) do
    local request, err = client:prepare(self.operation, params)
    refused(request, err, field, ...)
  end
  local res, err = self.clients.v3[self.operation](self.clients.v3, params)
  refused(res, err, field, ...)
end

return M
