-- Recomputes Huawei's signatures, SDK-HMAC-SHA256 and the derived V11-HMAC-SHA256, from what arrived on the
-- wire; shares no code with the client's signers. It knows neither time nor who may call.
-- Source: Huawei Cloud API Gateway, "AK/SK signing"; the derived key as in the vendor's SDKs (HKDF, one block).

local hash = require "iotmsg.emulator.hash"
local percent = require "iotmsg.emulator.percent"

local concat = table.concat

local signature = {}

signature.STANDARD = "SDK-HMAC-SHA256"
signature.DERIVED = "V11-HMAC-SHA256"

local REST = ", *SignedHeaders=([^,%s]+), *Signature=(%x+)$"
local STANDARD_PATTERN = "^SDK%-HMAC%-SHA256 +Access=([^,%s]+)" .. REST
local DERIVED_PATTERN = "^V11%-HMAC%-SHA256 +Credential=([^,%s/]+)/(%d+)/([^,%s/]+)/([^,%s/]+)" .. REST

---@class iotmsg.emulator.huawei.authorization
---@field algorithm string
---@field access_key_id string
---@field signed_headers string[]
---@field signature string
---@field date string|nil of the derived algorithm's scope, as its region and service
---@field region string|nil
---@field service string|nil

---@param authorization string
---@return iotmsg.emulator.huawei.authorization|nil
function signature.parse(authorization)
  local parts, names = {}
  parts.access_key_id, names, parts.signature = authorization:match(STANDARD_PATTERN)
  parts.algorithm = signature.STANDARD
  if not names then
    parts.access_key_id, parts.date, parts.region, parts.service, names, parts.signature =
      authorization:match(DERIVED_PATTERN)
    parts.algorithm = signature.DERIVED
  end
  if not names then
    return nil
  end
  parts.signed_headers = {}
  for name in names:gmatch("[^;]+") do
    parts.signed_headers[#parts.signed_headers + 1] = name
  end
  return parts
end

local function canonical_uri(path)
  local decoded = path:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end)
  local encoded = decoded:gsub("[^/]+", percent.encode)
  return encoded:sub(-1) == "/" and encoded or encoded .. "/"
end

local function canonical_query(query)
  local names = {}
  for name in pairs(query) do
    names[#names + 1] = name
  end
  table.sort(names, percent.byte_order)
  for index, name in ipairs(names) do
    names[index] = percent.encode(name) .. "=" .. percent.encode(query[name])
  end
  return concat(names, "&")
end

local function canonical_request(request, names)
  local lines = {}
  for index, name in ipairs(names) do
    local value = request.headers[name]
    if type(value) ~= "string" then
      return nil
    end
    lines[index] = name .. ":" .. value:match("^%s*(.-)%s*$") .. "\n"
  end
  local announced = request.headers["x-sdk-content-sha256"]
  return concat({
    request.method,
    canonical_uri(request.path),
    canonical_query(request.query),
    concat(lines),
    concat(names, ";"),
    announced == "UNSIGNED-PAYLOAD" and announced or hash.sha256_hex(request.body),
  }, "\n")
end

-- HKDF (RFC 5869) with the access key id as salt; the key is the result's hexadecimal text, not its bytes.
local function derived_key(access_key_id, access_key_secret, info)
  local extracted = hash.hmac("sha256", access_key_id, access_key_secret)
  return hash.to_hex(hash.hmac("sha256", extracted, info .. "\1"))
end

---What the signature should be.
---@param request table { method, path, query = map, headers = map of lower-case names, body }
---@param parts iotmsg.emulator.huawei.authorization its algorithm, signed headers and scope are used
---@param access_key_secret string
---@return string|nil signature nil when a signed header was not sent, or sent twice
---@return string|nil string_to_sign
---@return string|nil canonical_request
function signature.compute(request, parts, access_key_secret)
  local canonical = canonical_request(request, parts.signed_headers)
  if not canonical then
    return nil
  end
  local lines = { parts.algorithm, request.headers["x-sdk-date"] or "" }
  local key = access_key_secret
  if parts.algorithm == signature.DERIVED then
    local info = concat({ parts.date, parts.region, parts.service }, "/")
    lines[#lines + 1] = info
    key = derived_key(parts.access_key_id, access_key_secret, info)
  end
  lines[#lines + 1] = hash.sha256_hex(canonical)
  local string_to_sign = concat(lines, "\n")
  return hash.to_hex(hash.hmac("sha256", key, string_to_sign)), string_to_sign, canonical
end

return signature
