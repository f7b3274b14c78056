-- A small caller of Alibaba's RPC gateway for specs: signs with luaossl and sends with lua-http, so that
-- neither the client under development nor the emulator checks itself. Everything can be bent to provoke
-- refusals.

local compat_path = ";/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"
if not pcall(require, "http.request") then
  package.path = package.path .. compat_path
end

local cjson = require "cjson"
local digest = require "openssl.digest"
local hmac = require "openssl.hmac"
local http_request = require "http.request"
local rand = require "openssl.rand"
local ssl_context = require "openssl.ssl.context"
local x509 = require "openssl.x509"

local client = {}

local function hex(bytes)
  return (bytes:gsub(".", function(char)
    return ("%02x"):format(char:byte())
  end))
end

local function sha256_hex(bytes)
  return hex(digest.new("sha256"):final(bytes))
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

---Base64 through a string of bits: slow and plain on purpose.
---@param bytes string
---@return string
function client.base64(bytes)
  local out, floor = {}, math.floor
  for at = 1, #bytes, 3 do
    local chunk = bytes:sub(at, at + 2)
    local number = 0
    for index = 1, 3 do
      number = number * 256 + (chunk:byte(index) or 0)
    end
    for index = 1, 4 do
      local digit = floor(number / 64 ^ (4 - index)) % 64
      out[#out + 1] = index <= #chunk + 1 and ALPHABET:sub(digit + 1, digit + 1) or "="
    end
  end
  return table.concat(out)
end

local function enc(text)
  return (text:gsub("[^%w%-_.~]", function(char)
    return ("%%%02X"):format(char:byte())
  end))
end
client.enc = enc

---@param params table<string, string>
---@return string sorted and percent-encoded
function client.query(params)
  local names = {}
  for name in pairs(params) do
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do
    names[index] = enc(name) .. "=" .. enc(params[name])
  end
  return table.concat(names, "&")
end

function client.nonce()
  return hex(rand.bytes(16))
end

---@param skew_s number|nil
---@return string
function client.timestamp(skew_s)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + (skew_s or 0))
end

local contexts = {}

local function context_for(ca_file, version)
  local key = ca_file .. tostring(version)
  if contexts[key] then
    return contexts[key]
  end
  local file = assert(io.open(ca_file, "r"))
  local authority = x509.new(file:read("*a"), "PEM")
  file:close()
  local context = ssl_context.new("TLS", false)
  context:setVerify(ssl_context.VERIFY_PEER)
  context:getStore():add(authority)
  local protocols = { [2] = { "h2" }, [1.1] = { "http/1.1" } }
  context:setAlpnProtos(protocols[version] or { "h2", "http/1.1" })
  contexts[key] = context
  return context
end

---@class iotmsg.spec.answer
---@field status string
---@field headers table
---@field body string
---@field json table|nil the decoded body

---Sends bytes and returns what came back.
---@param emulator table what spec.support.emulator started
---@param options table { method, target, headers = map, body, version, timeout_s }
---@return iotmsg.spec.answer|nil
---@return string|nil problem
function client.send(emulator, options)
  local request = http_request.new_from_uri(emulator.endpoint .. (options.target or "/"))
  if emulator.ca_file then
    request.ctx = context_for(emulator.ca_file, options.version)
  end
  request.version = options.version
  request.headers:upsert(":method", options.method or "GET")
  for name, value in pairs(options.headers or {}) do
    if name ~= "host" then
      request.headers:append(name, value)
    end
  end
  if options.body then
    request:set_body(options.body)
  end
  local headers, stream = request:go(options.timeout_s or 10)
  if not headers then
    return nil, tostring(stream)
  end
  local body = stream:get_body_as_string(10) or ""
  local version = stream.connection.version
  stream:shutdown()
  local ok, json = pcall(cjson.decode, body)
  return {
    status = headers:get(":status"), headers = headers, body = body, version = version,
    json = ok and json or nil,
  }
end

---A call signed as RPC signature 1.0. `params` win over the common parameters; `false` takes one away.
---@param emulator table
---@param params table
---@param options table|nil { secret, version (of HTTP), method, in_query = true }
---@return iotmsg.spec.answer
function client.v1(emulator, params, options)
  options = options or {}
  local all = {
    Action = "Pub", Version = "2018-01-20", Format = "JSON", Timestamp = client.timestamp(), AccessKeyId =
      emulator.access_key_id, SignatureMethod = "HMAC-SHA1", SignatureVersion = "1.0",
    SignatureNonce = client.nonce(), SecurityToken = emulator.security_token,
  }
  for name, value in pairs(params) do
    all[name] = value or nil
  end
  local method = options.method or "POST"
  if params.Signature == nil then
    local secret = (options.secret or emulator.access_key_secret) .. "&"
    local text = method .. "&%2F&" .. enc(client.query(all))
    all.Signature = client.base64(hmac.new(secret, "sha1"):final(text))
  end
  if params.Signature == false then
    all.Signature = nil
  end
  local encoded = client.query(all)
  if method ~= "POST" or options.in_query then
    return client.send(emulator, { method = method, target = "/?" .. encoded, version = options.version })
  end
  return client.send(emulator, {
    method = method, body = encoded, version = options.version,
    headers = { ["content-type"] = "application/x-www-form-urlencoded" },
  })
end

---A call signed as ACS3-HMAC-SHA256.
---@param emulator table
---@param query table<string, string>
---@param form table<string, string>|nil
---@param options table|nil { secret, method, version, headers = map (false takes one away),
---  signed = function(names), access_key_id,
---  body = instead of the form, authorization }
---@return iotmsg.spec.answer
function client.v3(emulator, query, form, options)
  options = options or {}
  local body = options.body or form and client.query(form) or ""
  local headers = {
    ["x-acs-action"] = "Pub",
    ["x-acs-version"] = "2018-01-20",
    ["x-acs-date"] = client.timestamp(),
    ["x-acs-signature-nonce"] = client.nonce(),
    ["x-acs-content-sha256"] = sha256_hex(body),
    ["x-acs-security-token"] = emulator.security_token,
    host = emulator.endpoint:match("//(.*)$"),
    accept = "application/json",
    ["content-type"] = form and "application/x-www-form-urlencoded" or nil,
  }
  for name, value in pairs(options.headers or {}) do
    headers[name] = value or nil
  end
  local names = {}
  for name in pairs(headers) do
    if name:find("^x%-acs%-") or name == "host" or name == "content-type" then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  if options.signed then
    names = options.signed(names)
  end
  local lines = {}
  for index, name in ipairs(names) do
    lines[index] = name .. ":" .. (headers[name] or "") .. "\n"
  end
  local method = options.method or "POST"
  local signed_headers = table.concat(names, ";")
  local canonical = table.concat({
    method, "/", client.query(query), table.concat(lines), signed_headers, sha256_hex(body),
  }, "\n")
  local text = "ACS3-HMAC-SHA256\n" .. sha256_hex(canonical)
  local given = hex(hmac.new(options.secret or emulator.access_key_secret, "sha256"):final(text))
  local authorization = ("ACS3-HMAC-SHA256 Credential=%s,SignedHeaders=%s,Signature=%s"):format(
    options.access_key_id or emulator.access_key_id, signed_headers, given)
  headers.authorization = options.authorization or authorization
  local encoded = client.query(query)
  return client.send(emulator, {
    method = method, target = encoded == "" and "/" or "/?" .. encoded, headers = headers,
    version = options.version, body = body ~= "" and body or nil,
  })
end

return client
