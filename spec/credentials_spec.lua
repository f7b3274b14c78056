-- Where access keys come from, in which order, and what is said when there are none.

local child = require "spec.support.child"
local credentials = require "iotmsg.credentials"
local iotmsg = require "iotmsg"
local wire = require "spec.support.wire"

local ID, SECRET = "LTAI-FAKE-0000000000", "fake-secret-000000000000000000"

-- A client without keys of its own, whose credentials function is the given one.
local function provided_by(provide, more)
  local given = { access_key_id = false, access_key_secret = false, credentials = provide }
  for name, value in pairs(more or {}) do given[name] = value end
  return assert(iotmsg.new(wire.options(given)))
end

local function prepare(client)
  return client:prepare("pub", { product_key = "a1", topic_full_name = "/a1/d/user/get", payload = "x" })
end

local function credential_of(client)
  local request, err = prepare(client)
  assert.is_nil(err, tostring(err))
  return request.headers.authorization:match("Credential=([^,]*),"), request.headers["x-acs-security-token"]
end

describe("credentials given as options", function()
  it("sign", function()
    local id, token = credential_of(assert(iotmsg.new(wire.options())))
    assert.equal(ID, id)
    assert.is_nil(token)
    id, token = credential_of(assert(iotmsg.new(wire.options { security_token = "fake-token" })))
    assert.equal(ID, id)
    assert.equal("fake-token", token)
  end)

  it("are in the source of that name", function()
    local given = require "iotmsg.credentials.given"
    assert.equal(ID, given({ access_key_id = ID, access_key_secret = SECRET }).access_key_id)
    assert.is_nil((given {}))
  end)
end)

describe("a credentials function", function()
  it("returns a table or values", function()
    local id, token = credential_of(provided_by(function()
      return { access_key_id = "one", access_key_secret = "s", security_token = "t", expires_at = os.time() + 3600 }
    end))
    assert.equal("one t", id .. " " .. token)
    id, token = credential_of(provided_by(function() return "two", "s", "t", os.time() + 3600 end))
    assert.equal("two t", id .. " " .. token)
    id, token = credential_of(provided_by(function() return { access_key_id = "three", access_key_secret = "s" } end))
    assert.equal("three", id)
    assert.is_nil(token)
  end)

  it("is asked each time where nothing expires", function()
    local asked = 0
    local client = provided_by(function()
      asked = asked + 1
      return "id" .. asked, "s"
    end)
    assert.equal("id1", (credential_of(client)))
    assert.equal("id2", (credential_of(client)))
  end)

  it("is asked again only shortly before expires_at", function()
    local asked, lifetime = 0, 3600
    local client = provided_by(function()
      asked = asked + 1
      return "id" .. asked, "s", nil, os.time() + lifetime
    end)
    assert.equal("id1", (credential_of(client)))
    assert.equal("id1", (credential_of(client)))
    assert.equal(1, asked)
    asked, lifetime = 0, 5
    client = provided_by(function()
      asked = asked + 1
      return "id" .. asked, "s", nil, os.time() + lifetime
    end)
    assert.equal("id1", (credential_of(client)))
    assert.equal("id2", (credential_of(client)), "keys that expire in a moment were kept")
  end)

  it("is not asked by new", function()
    provided_by(function() error("asked") end)
  end)

  it("keeps what it returned: the table may be changed", function()
    local shared = { access_key_id = "first", access_key_secret = "s", expires_at = os.time() + 3600 }
    local client = provided_by(function() return shared end)
    assert.equal("first", (credential_of(client)))
    shared.access_key_id = "second"
    assert.equal("first", (credential_of(client)))
  end)

  local BAD = {
    { "raises", function() error("fake-secret-in-an-error") end },
    { "raises a table", function() error({ "fake-secret-in-an-error" }) end },
    { "returns nothing", function() end }, { "returns nil and a reason", function() return nil,
      "fake-secret-in-an-error" end },
    { "returns an id alone", function() return "id" end }, { "returns a number", function() return 1, "s" end },
    { "returns a table without secret", function() return { access_key_id = "id" } end },
    { "returns a token of a wrong type", function() return "id", "s", 5 end },
    { "returns an expires_at of a wrong type", function() return "id", "s", nil, "2026-01-01T00:00:00Z" end },
    { "returns an empty id", function() return "", "fake-secret-in-an-error" end },
    { "returns an empty secret", function() return "id", "" end },
    { "returns an id with a line break", function() return "id\r\nx: y", "fake-secret-in-an-error" end },
    { "returns a token with a line break", function() return "id", "s", "fake-secret-in-an-error\n" end },
    { "returns a token with a NUL", function() return "id", "s", "fake-secret-in-an-error\0" end },
  }
  for _, case in ipairs(BAD) do
    it("that " .. case[1] .. " is an error of kind credentials", function()
      local request, err = prepare(provided_by(case[2]))
      assert.is_nil(request)
      assert.equal("credentials", err.kind)
      assert.equal("not_sent", err.outcome)
      assert.is_truthy(err.message:find("credentials function", 1, true), err.message)
      assert.is_nil(tostring(err):find("fake-secret-in-an-error", 1, true))
    end)
  end

  it("takes an empty token for none", function()
    local id, token = credential_of(provided_by(function() return "id", "s", "" end))
    assert.equal("id", id)
    assert.is_nil(token)
  end)

  it("comes after keys that are given", function()
    local settings = { access_key_id = ID, access_key_secret = SECRET, credentials = function() return "other",
      "s" end }
    assert.equal(ID, credentials.aliyun(settings).access_key_id)
  end)
end)

describe("credentials from the environment", function()
  local SHOW = [[
    local client = assert(require("iotmsg").new { endpoint = "h" OPTIONS })
    local request, err = client:prepare("pub", { product_key = "a1", topic_full_name = "/t", payload = "x" })
    if err then
      print(err.kind, err.outcome, err.message)
    else
      print(request.headers.authorization:match("Credential=([^,]*),"), request.headers["x-acs-security-token"])
    end
  ]]

  local function show(env, options)
    local output, ok = child.run(SHOW:gsub("OPTIONS", options or ""), { env = env })
    assert.is_true(ok, output)
    return output
  end

  local function env(more)
    local variables = { ALIBABA_CLOUD_ACCESS_KEY_ID = "env-id", ALIBABA_CLOUD_ACCESS_KEY_SECRET = "env-secret" }
    for name, value in pairs(more or {}) do variables[name] = value or nil end
    return variables
  end

  it("sign, with the token where there is one", function()
    assert.equal("env-id\tnil", show(env()))
    assert.equal("env-id\tenv-token", show(env { ALIBABA_CLOUD_SECURITY_TOKEN = "env-token" }))
    assert.equal("env-id\tnil", show(env { ALIBABA_CLOUD_SECURITY_TOKEN = "" }))
  end)

  it("come after what is given", function()
    assert.equal("mine\tnil", show(env { ALIBABA_CLOUD_SECURITY_TOKEN = "env-token" },
      ', access_key_id = "mine", access_key_secret = "s"'))
    assert.equal("ours\tnil", show(env(), ', credentials = function() return "ours", "s" end'))
  end)

  for _, name in ipairs { "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET" } do
    for _, value in ipairs { "unset", "" } do
      it(("say that %s is missing (%s)"):format(name, value), function()
        local variables = env()
        variables[name] = value == "" and "" or nil
        local output = show(variables)
        assert.is_truthy(output:find("^credentials\tnot_sent\t"), output)
        assert.is_truthy(output:find(name .. " is not", 1, true), output)
        assert.is_nil(output:find("env-secret", 1, true))
      end)
    end
  end

  it("name the variables and the options when there are none", function()
    local output = show({})
    assert.is_truthy(output:find("^credentials\tnot_sent\t"), output)
    for _, name in ipairs { "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "access_key_id",
      "access_key_secret",
      "credentials" } do
      assert.is_truthy(output:find(name, 1, true), name .. " is not in: " .. output)
    end
    assert.is_nil(output:find("nginx", 1, true))
  end)

  it("name nginx's env lines inside nginx", function()
    local output, ok = child.run([[ngx = {}
      local _, err = require("iotmsg.credentials").aliyun {}
      print(err.message)]])
    assert.is_true(ok, output)
    assert.is_truthy(output:find("env ALIBABA_CLOUD_ACCESS_KEY_ID;", 1, true), output)
    assert.is_truthy(output:find("env ALIBABA_CLOUD_ACCESS_KEY_SECRET;", 1, true), output)
  end)

  it("are missing for every verb alike, with nothing started", function()
    local output, ok = child.run([[
      local iotmsg = require "iotmsg"
      assert(iotmsg.configure { endpoint = "127.0.0.1:1" })
      local params = { product_key = "a1", topic_full_name = "/t", payload = "x" }
      local called = false
      local _, first = iotmsg.pub(params)
      local _, second = iotmsg.start("pub", params, function() called = true end)
      local _, third = iotmsg.prepare("pub", params)
      iotmsg.poll(0)
      print(first.kind, second.kind, third.kind, called)]])
    assert.is_true(ok, output)
    assert.equal("credentials\tcredentials\tcredentials\tfalse", output)
  end)
end)
