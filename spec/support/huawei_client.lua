-- A small caller of Huawei's APIs for specs: signs with luaossl and sends with lua-http, so that neither the client
-- under development nor the emulator checks itself. Everything can be bent to provoke refusals.

local rpc_client = require "spec.support.rpc_client"

local cjson = require "cjson"
local digest = require "openssl.digest"
local hmac = require "openssl.hmac"

local client = {}

client.PROJECT_ID = "0123456789abcdef0123456789abcdef"

local function hex(bytes)
  return (bytes:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end))
end

local function sha256_hex(bytes)
  return hex(digest.new("sha256"):final(bytes))
end

local function mac(key, bytes)
  return hmac.new(key, "sha256"):final(bytes)
end

---@param skew_s number|nil
---@return string as X-Sdk-Date wants it
function client.date(skew_s)
  return os.date("!%Y%m%dT%H%M%SZ", os.time() + (skew_s or 0))
end

---@param device_id string
---@param rest string|nil
---@param project_id string|nil
---@return string path
function client.path(device_id, rest, project_id)
  return ("/v5/iot/%s/devices/%s/messages%s"):format(project_id or client.PROJECT_ID, device_id, rest or "")
end

local function sign(emulator, method, path, query, headers, body, options)
  local names, lines = {}, {}
  for name in pairs(headers) do
    names[#names + 1] = name
  end
  table.sort(names)
  if options.signed then
    names = options.signed(names)
  end
  for index, name in ipairs(names) do
    lines[index] = name .. ":" .. (headers[name] or "") .. "\n"
  end
  local signed_headers = table.concat(names, ";")
  local canonical = table.concat({
    method, path .. "/", query, table.concat(lines), signed_headers, sha256_hex(body),
  }, "\n")
  local key_id = options.access_key_id or emulator.access_key_id
  local secret = options.secret or emulator.access_key_secret
  local date = headers["x-sdk-date"] or client.date()
  if not options.derived then
    local text = table.concat({ "SDK-HMAC-SHA256", date, sha256_hex(canonical) }, "\n")
    return ("SDK-HMAC-SHA256 Access=%s, SignedHeaders=%s, Signature=%s"):format(key_id, signed_headers,
      hex(mac(secret, text)))
  end
  local info = ("%s/%s/%s"):format(options.scope_date or date:sub(1, 8), options.region or "cn-north-4",
    options.service or "iotdm")
  local key = hex(mac(mac(key_id, secret), info .. "\1"))
  local text = table.concat({ "V11-HMAC-SHA256", date, info, sha256_hex(canonical) }, "\n")
  return ("V11-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"):format(key_id, info, signed_headers,
    hex(mac(key, text)))
end

---A signed call, or one with `options.token`.
---@param emulator table what spec.support.emulator started
---@param method string
---@param path string
---@param body string|nil
---@param options table|nil { token, secret, access_key_id, derived, region, service, scope_date, query = map,
---  headers = map (false takes one away), signed = function(names), authorization (false: none), version, body_sent }
---@return iotmsg.spec.answer
function client.call(emulator, method, path, body, options)
  options = options or {}
  local headers = {
    host = emulator.endpoint:match("//(.*)$"), ["content-type"] = "application/json",
    ["x-sdk-date"] = client.date(), ["x-security-token"] = emulator.security_token,
  }
  for name, value in pairs(options.headers or {}) do
    headers[name] = value or nil
  end
  local query = rpc_client.query(options.query or {})
  if options.token then
    headers["x-auth-token"], headers["x-sdk-date"] = options.token, nil
  elseif options.authorization ~= false then
    headers.authorization = options.authorization
      or sign(emulator, method, path, query, headers, body or "", options)
  end
  return rpc_client.send(emulator, {
    method = method, target = query == "" and path or path .. "?" .. query, headers = headers,
    body = options.body_sent or body, version = options.version,
  })
end

---CreateMessage.
---@param emulator table
---@param device_id string
---@param body table|string
---@param options table|nil as `call` takes them
---@return iotmsg.spec.answer
function client.create(emulator, device_id, body, options)
  local text = type(body) == "table" and cjson.encode(body) or body
  return client.call(emulator, "POST", client.path(device_id), text, options)
end

---ListDeviceMessages, or ShowDeviceMessage when a message id is given.
---@param emulator table
---@param device_id string
---@param message_id string|nil
---@param options table|nil as `call` takes them
---@return iotmsg.spec.answer
function client.show(emulator, device_id, message_id, options)
  return client.call(emulator, "GET", client.path(device_id, message_id and "/" .. message_id), nil, options)
end

---Asks IAM for a token.
---@param emulator table
---@param changes table|nil { user, password, domain, scope (false: none), body = instead of all }
---@return iotmsg.spec.answer
function client.token(emulator, changes)
  changes = changes or {}
  local scope = { project = { name = "cn-north-4" } }
  if changes.scope ~= nil then
    scope = changes.scope or nil
  end
  local body = changes.body or cjson.encode({ auth = {
    identity = { methods = { "password" }, password = { user = {
      name = changes.user or "emulator-user", password = changes.password or "emulator-password",
      domain = { name = changes.domain or "emulator-domain" },
    } } },
    scope = scope,
  } })
  return rpc_client.send(emulator, {
    method = "POST", target = "/v3/auth/tokens?nocatalog=1", body = body,
    headers = { ["content-type"] = "application/json;charset=utf8" },
  })
end

return client
