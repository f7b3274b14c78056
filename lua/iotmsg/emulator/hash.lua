-- Digests and MACs as the signature checks need them. The only file of the emulator that computes them.

local digest = require "openssl.digest"
local hmac = require "openssl.hmac"

local hash = {}

local hex_of = {}
for code = 0, 255 do
  hex_of[string.char(code)] = string.format("%02x", code)
end

---@param bytes string
---@return string lower-case hexadecimal
function hash.to_hex(bytes)
  return (bytes:gsub(".", hex_of))
end

---@param bytes string
---@return string lower-case hexadecimal
function hash.sha256_hex(bytes)
  return hash.to_hex(digest.new("sha256"):final(bytes))
end

---@param algorithm string "sha1" or "sha256"
---@param key string
---@param bytes string
---@return string raw bytes
function hash.hmac(algorithm, key, bytes)
  return hmac.new(key, algorithm):final(bytes)
end

return hash
