-- The building blocks shown to users: signers and Base64 as pure functions, stages included. Checks what it is given
-- and names the field; the work is done in csrc/sign and csrc/base. No network, no clock, no hidden state.

local core = require "iotmsg.core"
local Error = require "iotmsg.error"

local M = { base64 = {} }

local function check_string(input, name)
  if type(input[name]) ~= "string" then
    return Error.invalid(name, "must be a string, not " .. type(input[name]))
  end
end

-- A map of strings, or of arrays of strings where repeats is set.
local function check_map(input, name, repeats)
  local map = input[name]
  if map == nil then return end
  if type(map) ~= "table" then return Error.invalid(name, "must be a table, not " .. type(map)) end
  for key, value in pairs(map) do
    if type(key) ~= "string" then return Error.invalid(name, "must map names to strings") end
    local list = repeats and type(value) == "table" and value or { value }
    for i = 1, #list do
      if type(list[i]) ~= "string" then
        return Error.invalid(name .. "." .. key, "must be a string, not " .. type(list[i]))
      end
    end
  end
end

local function no_signature(why)
  return nil, Error.new { kind = "resource", message = "signing failed: " .. why }
end

---Alibaba Cloud RPC signature 1.0 (HMAC-SHA1). Source: Alibaba Cloud, "Request syntax and signature method V2 for
---RPC APIs".
---@param input { method: string, params: table<string, string>, access_key_secret: string } params: all of them,
---query and form, without Signature
---@return { string_to_sign: string, signature: string }?
---@return iotmsg.Error? err kind invalid_argument
function M.aliyun_v1(input)
  local err = check_string(input, "method") or check_string(input, "access_key_secret")
    or check_map(input, "params", true)
  if err then return nil, err end
  local signature, string_to_sign = core.sign.aliyun_v1(input.method, input.params, nil, input.access_key_secret)
  if not signature then return no_signature(string_to_sign) end
  return { string_to_sign = string_to_sign, signature = signature }
end

-- Huawei's signatures begin with the date of this header.
local function dated(headers)
  for name, value in pairs(headers or {}) do
    if name:lower() == "x-sdk-date" then
      return type(value) == "string" and value:find("^%d%d%d%d%d%d%d%dT%d%d%d%d%d%dZ$")
    end
  end
end

-- What the two schemes that sign headers ask for; path and body may be left out.
local function check_request(input)
  local body = input.body == nil and "" or input.body
  local path = input.path == nil and "/" or input.path
  local err = check_string(input, "method") or check_string({ path = path }, "path")
    or check_string({ body = body }, "body") or check_string(input, "access_key_id")
    or check_string(input, "access_key_secret") or check_map(input, "query", true)
    or check_map(input, "headers", true)
  return path, body, err
end

local function stages(authorization, signature, string_to_sign, canonical_request)
  if not authorization then return no_signature(signature) end
  return {
    canonical_request = canonical_request,
    string_to_sign = string_to_sign,
    signature = signature,
    authorization = authorization,
  }
end

---@class iotmsg.SigningInput
---@field method string
---@field path string? "/" unless given
---@field query table<string, string|string[]>? an array where a name repeats
---@field headers table<string, string|string[]>
---@field body string? "" unless given
---@field access_key_id string
---@field access_key_secret string
---@field region string? Huawei: with service, selects V11-HMAC-SHA256
---@field service string?

---@class iotmsg.SigningStages
---@field canonical_request string
---@field string_to_sign string
---@field signature string
---@field authorization string

---Alibaba Cloud signature V3 (ACS3-HMAC-SHA256). Source: Alibaba Cloud, "V3 request body and signature mechanism".
---@param input iotmsg.SigningInput of the headers, host, content-type and x-acs-* are signed
---@return iotmsg.SigningStages?
---@return iotmsg.Error? err kind invalid_argument
function M.aliyun_v3(input)
  local path, body, err = check_request(input)
  if err then return nil, err end
  return stages(core.sign.aliyun_v3(input.method, path, input.query, input.headers, body, input.access_key_id,
    input.access_key_secret))
end

---Huawei Cloud AK/SK signature: SDK-HMAC-SHA256, or V11-HMAC-SHA256 with region and service. Source: Huawei Cloud,
---"API Request Signing Guide"; the derivation from the vendor's SDKs.
---@param input iotmsg.SigningInput every header given is signed; x-sdk-date must be among them
---@return iotmsg.SigningStages?
---@return iotmsg.Error? err kind invalid_argument
function M.huawei(input)
  local path, body, err = check_request(input)
  if not err and (input.region ~= nil or input.service ~= nil) then
    err = check_string(input, "region") or check_string(input, "service")
  end
  if not err and not dated(input.headers) then
    err = Error.invalid("headers", "must hold x-sdk-date as YYYYMMDDTHHMMSSZ")
  end
  if err then return nil, err end
  return stages(core.sign.huawei(input.method, path, input.query, input.headers, body, input.access_key_id,
    input.access_key_secret, input.region, input.service))
end

---@param bytes string
---@return string? text RFC 4648, padded
---@return iotmsg.Error? err kind invalid_argument
function M.base64.encode(bytes)
  if type(bytes) ~= "string" then return nil, Error.invalid("bytes", "must be a string, not " .. type(bytes)) end
  local text, why = core.base64.encode(bytes)
  if not text then return nil, Error.invalid("bytes", why) end
  return text
end

---Strict: padding required, no line breaks, no other alphabet (RFC 4648 section 3).
---@param text string
---@return string? bytes
---@return iotmsg.Error? err kind invalid_argument
function M.base64.decode(text)
  if type(text) ~= "string" then return nil, Error.invalid("text", "must be a string, not " .. type(text)) end
  local bytes, why = core.base64.decode(text)
  if not bytes then return nil, Error.invalid("text", "is not Base64: " .. why) end
  return bytes
end

return M
