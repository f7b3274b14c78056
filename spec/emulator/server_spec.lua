-- The emulator as a web server: protocols, sizes, and every kind of nonsense a connection can carry.

local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local ssl_context = require "openssl.ssl.context"

local client = require "spec.support.rpc_client"
local process = require "spec.support.process"
local start_emulator = require("spec.support.emulator").start

local QUERY = { ProductKey = "a1FakePk000", TopicFullName = "/a1FakePk000/device1/user/get" }
local FORM = { MessageContent = "aGVsbG8=" }

local function address_of(emulator)
  local host, port = emulator.endpoint:match("//(.*):(%d+)$")
  return host, tonumber(port)
end

local function curl(words)
  local quoted = {}
  for index, word in ipairs(words) do
    quoted[index] = process.quote(word)
  end
  return process.output_of("curl -sS --max-time 10 " .. table.concat(quoted, " ") .. " 2>&1")
end

describe("the emulator's server", function()
  local emulator

  setup(function()
    emulator = start_emulator()
  end)

  teardown(function()
    emulator:stop()
  end)

  local function assert_alive()
    assert.is_true(client.v3(emulator, QUERY, FORM).json.Success)
  end

  for name, version in pairs({ ["HTTP/1.1"] = 1.1, ["HTTP/2"] = 2 }) do
    it("speaks " .. name .. " over TLS", function()
      local v3 = client.v3(emulator, QUERY, FORM, { version = version })
      assert.is_true(v3.json.Success)
      assert.equal(version, v3.version)
      local params = { MessageContent = "aGVsbG8=" }
      for key, value in pairs(QUERY) do
        params[key] = value
      end
      assert.is_true(client.v1(emulator, params, { version = version }).json.Success)
    end)
  end

  for option, version in pairs({ ["--http1.1"] = "1.1", ["--http2"] = "2" }) do
    it("serves curl " .. option, function()
      local printed = curl({
        "--cacert", emulator.ca_file, option, "-w", "\n%{http_version} %{http_code}", emulator.endpoint,
      })
      assert.truthy(printed:find("<Code>MissingAction</Code>", 1, true), printed)
      assert.equal(version .. " 400", printed:match("[^\n]*$"))
    end)
  end

  it("is reached by every name in its certificate", function()
    local _, port = address_of(emulator)
    for _, host in ipairs({ "localhost", "127.0.0.1" }) do
      local url = ("https://%s:%d/"):format(host, port)
      assert.truthy(curl({ "-4", "--cacert", emulator.ca_file, url }):find("MissingAction", 1, true))
    end
  end)

  it("is refused by who does not know its CA", function()
    assert.truthy(curl({ emulator.endpoint }):find("curl: (60)", 1, true))
    assert_alive()
  end)

  it("takes a chunked body and one announced by Expect", function()
    for _, header in ipairs({ "transfer-encoding: chunked", "expect: 100-continue" }) do
      local printed = curl({
        "--http1.1", "--cacert", emulator.ca_file, "-H", header,
        "-d", "Format=JSON&Action=x&Version=2018-01-20", emulator.endpoint,
      })
      assert.truthy(printed:find("InvalidApi.NotFound", 1, true), printed)
    end
  end)

  it("answers HEAD without a body", function()
    local printed = curl({ "-I", "--cacert", emulator.ca_file, emulator.endpoint })
    assert.truthy(printed:find("^HTTP/2 400"), printed)
  end)

  for _, version in ipairs({ "--http1.1", "--http2" }) do
    it("refuses five megabytes, " .. version, function()
      local path = process.output_of("mktemp")
      local file = assert(io.open(path, "w"))
      file:write(("x"):rep(5 * 1024 * 1024))
      file:close()
      local printed = curl({
        version, "--cacert", emulator.ca_file, "-H", "expect:", "--data-binary", "@" .. path,
        emulator.endpoint,
      })
      os.remove(path)
      assert.truthy(printed:find("too large", 1, true) or printed:find("curl: (", 1, true), printed)
      assert_alive()
    end)
  end

  local function exchange(bytes, with_tls)
    local host, port = address_of(emulator)
    local connection = socket.connect(host, port)
    connection:onerror(function(_, _, code)
      return code
    end)
    connection:settimeout(2)
    connection:setmode("b", "bn")
    if with_tls then
      connection:starttls(ssl_context.new("TLS", false))
    end
    connection:xwrite(bytes, "bn", 2)
    connection:shutdown("w")
    local answer = connection:xread("*a", 2)
    connection:close()
    return answer
  end

  local garbage = {
    ("\0"):rep(100), ("\255"):rep(100), "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\22\3\1\0\5hello",
  }
  for index, bytes in ipairs(garbage) do
    it(("outlives garbage instead of TLS (%d)"):format(index), function()
      exchange(bytes, false)
      assert_alive()
    end)
  end

  local requests = {
    "nonsense\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\n" .. ("a: b\r\n"):rep(500) .. "\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nshort",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /?Format=JSON&Action=%ff%00&Version=2018-01-20 HTTP/1.1\r\nHost: \255\0\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\4\99\0\0\0\0\0aaaa",
    "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\nx-acs-action: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nx-acs-action: a\r\nx-acs-action: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ACS3-\r\nx-acs-date: a\r\nx-acs-date: b\r\nHost: y\r\n\r\n",
    "GET /?Format=JSON&Action=a&Version=b HTTP/1.0\r\n\r\n",
  }
  for index, bytes in ipairs(requests) do
    it(("outlives a malformed request (%d)"):format(index), function()
      exchange(bytes, true)
      assert_alive()
    end)
  end

  it("logs no internal error for any of it", function()
    assert.is_nil(emulator:log():find("internal error", 1, true), emulator:log())
  end)

  it("serves many at once, none lost", function()
    local queue, accepted = cqueues.new(), 0
    for index = 1, 40 do
      queue:wrap(function()
        for _ = 1, 5 do
          local query = { Qos = tostring(index % 2) }
          for key, value in pairs(QUERY) do
            query[key] = value
          end
          local answer = assert(client.v3(emulator, query, FORM))
          assert(answer.json.Success, answer.body)
          accepted = accepted + 1
        end
      end)
    end
    assert(queue:loop())
    assert.equal(200, accepted)
  end)
end)

describe("an emulator with --plain", function()
  it("serves HTTP and announces no CA", function()
    local emulator = start_emulator({ args = { "--plain" } })
    assert.truthy(emulator.endpoint:find("^http://127.0.0.1:%d+$"))
    assert.is_nil(emulator.ca_file)
    local answer = client.v3(emulator, QUERY, FORM, { version = 1.1 })
    emulator:stop()
    assert.is_true(answer.json.Success)
  end)
end)
