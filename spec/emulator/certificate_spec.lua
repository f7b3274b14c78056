-- The emulator's certificates, judged by the openssl program.

local certificate = require "iotmsg.emulator.certificate"
local process = require "spec.support.process"

describe("the emulator's certificate", function()
  local folder

  before_each(function()
    folder = process.output_of("mktemp -d")
  end)

  after_each(function()
    os.execute("rm -rf " .. process.quote(folder))
  end)

  local function openssl(words)
    return process.output_of(("cd %s && openssl %s 2>&1"):format(process.quote(folder), words))
  end

  it("is valid for localhost and the loopback addresses, and signed by its CA", function()
    local made = assert(certificate.load_or_make(folder, "127.0.0.1"))
    assert.equal(folder .. "/ca.pem", made.ca_file)
    for _, name in ipairs({ "-verify_hostname localhost", "-verify_ip 127.0.0.1", "-verify_ip ::1" }) do
      assert.equal("server.pem: OK",
        openssl("verify -x509_strict -purpose sslserver -CAfile ca.pem " .. name .. " server.pem"))
    end
    assert.truthy(openssl("verify -CAfile ca.pem -verify_hostname example.com server.pem"):find("mismatch"))
  end)

  it("is valid for one more host when asked", function()
    for host, check in pairs({
      ["emulator.lan"] = "-verify_hostname emulator.lan", ["10.1.2.3"] = "-verify_ip 10.1.2.3",
    }) do
      os.execute("rm -f " .. process.quote(folder) .. "/*")
      assert(certificate.load_or_make(folder, host))
      assert.equal("server.pem: OK", openssl("verify -CAfile ca.pem " .. check .. " server.pem"))
    end
  end)

  it("does not let the server's key sign certificates", function()
    assert(certificate.load_or_make(folder))
    assert.truthy(openssl("x509 -in server.pem -noout -ext basicConstraints"):find("CA:FALSE", 1, true))
    assert.truthy(openssl("x509 -in ca.pem -noout -ext basicConstraints"):find("CA:TRUE, pathlen:0", 1, true))
  end)

  it("keeps keys private and uses what is there again", function()
    os.execute("chmod 755 " .. process.quote(folder))
    local first = assert(certificate.load_or_make(folder))
    assert.equal("600\n600", process.output_of("stat -c %a " .. process.quote(folder) .. "/*-key.pem"))
    local second = assert(certificate.load_or_make(folder))
    assert.equal(first.certificate:toPEM(), second.certificate:toPEM())
  end)

  it("is made anew when what is there cannot be read", function()
    assert(certificate.load_or_make(folder))
    for _, name in ipairs({ "server.pem", "server-key.pem", "ca.pem" }) do
      local file = assert(io.open(folder .. "/" .. name, "w"))
      file:write("broken")
      file:close()
      assert(certificate.load_or_make(folder))
      assert.equal("server.pem: OK", openssl("verify -CAfile ca.pem server.pem"))
    end
  end)
end)
