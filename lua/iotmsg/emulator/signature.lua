-- Recomputes Alibaba's two RPC signatures, V1 (HMAC-SHA1) and V3 (ACS3-HMAC-SHA256), from what arrived on the
-- wire. Written from the vendor's description and sharing no code with the client's signers, so that each
-- checks the other. It knows neither time, nonces nor who may call: it answers only "what should the
-- signature be?".

local base64 = require "iotmsg.emulator.base64"
local hash = require "iotmsg.emulator.hash"
local percent = require "iotmsg.emulator.percent"

local encode, byte_order = percent.encode, percent.byte_order
local byte, concat, sort = string.byte, table.concat, table.sort

local sha256_hex = hash.sha256_hex

local signature = {}

local function canonical_query(params, excluded)
  local names = {}
  for name in pairs(params) do
    if name ~= excluded then
      names[#names + 1] = name
    end
  end
  sort(names, byte_order)
  for index = 1, #names do
    local name = names[index]
    names[index] = encode(name) .. "=" .. encode(params[name])
  end
  return concat(names, "&")
end

---RPC signature version 1.0 over query and form together.
---Source: Alibaba Cloud, "RPC-style signature" (HMAC-SHA1): the key is the secret and `&`, the path is `/`.
---@param method string
---@param params table<string, string> every parameter; `Signature` among them is left out
---@param access_key_secret string
---@return string signature Base64
---@return string string_to_sign
function signature.v1(method, params, access_key_secret)
  local string_to_sign = method .. "&%2F&" .. encode(canonical_query(params, "Signature"))
  return base64.encode(hash.hmac("sha1", access_key_secret .. "&", string_to_sign)), string_to_sign
end

local AUTHORIZATION = "^ACS3%-HMAC%-SHA256 +Credential=([^,%s]+), *SignedHeaders=([^,%s]+), *Signature=(%x+)$"

---Takes `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…` apart.
---@param authorization string
---@return table|nil parts { access_key_id, signed_headers = { names }, signature }
function signature.parse_v3(authorization)
  local credential, names, given = authorization:match(AUTHORIZATION)
  if not credential then
    return nil
  end
  local signed_headers = {}
  for name in names:gmatch("[^;]+") do
    signed_headers[#signed_headers + 1] = name
  end
  return { access_key_id = credential, signed_headers = signed_headers, signature = given }
end

-- A header sent several times counts once, its values in byte order.
local function joined(values)
  local copy = {}
  for index = 1, #values do
    copy[index] = values[index]:match("^%s*(.-)%s*$")
  end
  sort(copy, byte_order)
  return concat(copy, ",")
end

local function canonical_headers(headers, names)
  local lines = {}
  for index = 1, #names do
    local value = headers[names[index]]
    if type(value) == "table" then
      value = joined(value)
    end
    lines[index] = names[index] .. ":" .. value:match("^%s*(.-)%s*$") .. "\n"
  end
  return concat(lines)
end

---ACS3-HMAC-SHA256 over method, path, query, the named headers and the body.
---Source: Alibaba Cloud, "V3 request signature": no `&` after the secret, lower-case hexadecimal result.
---@param request table { method, path, query = map, headers = map of lower-case names, body }
---@param signed_headers string[] lower-case names, in the order the caller signed them
---@param access_key_secret string
---@return string|nil signature nil when a named header is not there
---@return string|nil string_to_sign
---@return string|nil canonical_request
function signature.v3(request, signed_headers, access_key_secret)
  for index = 1, #signed_headers do
    if not request.headers[signed_headers[index]] then
      return nil
    end
  end
  local canonical_request = concat({
    request.method,
    request.path,
    canonical_query(request.query),
    canonical_headers(request.headers, signed_headers),
    concat(signed_headers, ";"),
    sha256_hex(request.body),
  }, "\n")
  local string_to_sign = "ACS3-HMAC-SHA256\n" .. sha256_hex(canonical_request)
  local computed = hash.hmac("sha256", access_key_secret, string_to_sign)
  return hash.to_hex(computed), string_to_sign, canonical_request
end

---Compares in a time that depends on the lengths alone.
---@param left string
---@param right string
---@return boolean
function signature.equal(left, right)
  local difference = #left - #right
  difference = difference * difference
  for position = 1, #left do
    local delta = byte(left, position) - (byte(right, position) or 0)
    difference = difference + delta * delta
  end
  return difference == 0
end

return signature
