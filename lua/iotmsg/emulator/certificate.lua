-- The emulator's own certificate authority and the server certificate it signs, for localhost and the
-- loopback addresses. Clients trust ca.pem; a folder that already holds the four files is used as it is. It
-- knows nothing of sockets; the TLS context is built in server.lua.

local altname = require "openssl.x509.altname"
local bignum = require "openssl.bignum"
local certificate_of = require "openssl.x509"
local distinguished_name = require "openssl.x509.name"
local extension = require "openssl.x509.extension"
local pkey = require "openssl.pkey"
local rand = require "openssl.rand"

local keeper = require "iotmsg.emulator.keeper"

local LIFETIME_S = 825 * 86400

local certificate = {}

local function new_name(common_name)
  local name = distinguished_name.new()
  name:add("O", "iotmsg emulator")
  name:add("CN", common_name)
  return name
end

local function new_certificate(common_name, key)
  local made = certificate_of.new()
  made:setVersion(3)
  made:setSerial(bignum.fromBinary("\1" .. rand.bytes(15)))
  made:setSubject(new_name(common_name))
  made:setPublicKey(key)
  -- A client whose clock is a little behind must not find a certificate from the future.
  made:setLifetime(os.time() - 86400, os.time() + LIFETIME_S)
  return made
end

-- Strict verifiers, Python's from 3.13 on among them, insist on both identifiers.
local function add_identifiers(made, issuer)
  made:addExtension(extension.new("subjectKeyIdentifier", "hash", { subject = made }))
  local context = { issuer = issuer, subject = made }
  made:addExtension(extension.new("authorityKeyIdentifier", "keyid:always", context))
end

local function new_authority()
  local key = pkey.new({ type = "EC", curve = "prime256v1" })
  local made = new_certificate("iotmsg emulator CA", key)
  made:setIssuer(made:getSubject())
  made:setBasicConstraints({ CA = true, pathLen = 0 })
  made:setBasicConstraintsCritical(true)
  made:addExtension(extension.new("keyUsage", "critical,keyCertSign,cRLSign"))
  add_identifiers(made, made)
  made:sign(key, "sha256")
  return made, key
end

local function new_server(authority, authority_key, host)
  local key = pkey.new({ type = "EC", curve = "prime256v1" })
  local made = new_certificate("localhost", key)
  made:setIssuer(authority:getSubject())
  local names = altname.new()
  names:add("DNS", "localhost")
  names:add("IP", "127.0.0.1")
  names:add("IP", "::1")
  if host and host ~= "localhost" and host ~= "127.0.0.1" and host ~= "::1" then
    local is_address = host:find("^[%d.]+$") or host:find(":", 1, true)
    names:add(is_address and "IP" or "DNS", host)
  end
  made:setSubjectAlt(names)
  made:setBasicConstraints({ CA = false })
  made:setBasicConstraintsCritical(true)
  made:addExtension(extension.new("keyUsage", "critical,digitalSignature"))
  made:addExtension(extension.new("extendedKeyUsage", "serverAuth"))
  add_identifiers(made, authority)
  made:sign(authority_key, "sha256")
  return made, key
end

local function read_file(path)
  local file = io.open(path, "r")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  return text
end

local function write_file(path, text)
  local file, problem = io.open(path, "w")
  if not file then
    return nil, problem
  end
  file:write(text)
  return file:close()
end

local function prepare_folder(folder)
  -- The key files exist with their mode before a key is written into them.
  local command = "exec 2>/dev/null; umask 077; mkdir -p -- %s && cd -- %s"
    .. " && : >ca-key.pem && : >server-key.pem && chmod 600 ca-key.pem server-key.pem"
  local quoted = keeper.quote(folder)
  local status = os.execute(command:format(quoted, quoted))
  return status == true or status == 0
end

local function paths_in(folder)
  return {
    ca = folder .. "/ca.pem",
    ca_key = folder .. "/ca-key.pem",
    server = folder .. "/server.pem",
    server_key = folder .. "/server-key.pem",
  }
end

local function load(paths)
  local ca, server, key = read_file(paths.ca), read_file(paths.server), read_file(paths.server_key)
  if not (ca and server and key) or key == "" then
    return nil
  end
  local ok, made, made_key, authority = pcall(function()
    return certificate_of.new(server, "PEM"), pkey.new(key, "PEM"), certificate_of.new(ca, "PEM")
  end)
  if not ok or not made:isIssuedBy(authority) then
    return nil
  end
  local _, expires = made:getLifetime()
  if expires < os.time() + 86400 then
    return nil
  end
  return { ca_file = paths.ca, certificate = made, key = made_key }
end

---Loads the certificate in `folder`, or makes a new authority and certificate there.
---@param folder string made when it is not there; mode 0700, keys 0600
---@param host string|nil one more name or address the certificate is valid for
---@return table|nil identity { ca_file, certificate, key }
---@return string|nil problem
function certificate.load_or_make(folder, host)
  local paths = paths_in(folder)
  local found = load(paths)
  if found then
    return found
  end
  if not prepare_folder(folder) then
    return nil, "cannot write to the folder " .. folder
  end
  local authority, authority_key = new_authority()
  local server, server_key = new_server(authority, authority_key, host)
  local files = {
    { paths.ca_key, authority_key:toPEM("private") },
    { paths.server_key, server_key:toPEM("private") },
    { paths.server, server:toPEM() },
    { paths.ca, authority:toPEM() },
  }
  for _, file in ipairs(files) do
    local ok, problem = write_file(file[1], file[2])
    if not ok then
      return nil, problem
    end
  end
  return { ca_file = paths.ca, certificate = server, key = server_key }
end

return certificate
