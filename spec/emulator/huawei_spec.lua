-- The Huawei front door: who is let in by which signature, and every other refusal before a message is read.

local huawei = require "spec.support.huawei_client"
local rpc_client = require "spec.support.rpc_client"
local start_emulator = require("spec.support.emulator").start

local function assert_error(answer, status, code)
  assert.equal(status, answer.status, answer.body)
  assert.equal(code, answer.json.error_code, answer.body)
  assert.is_string(answer.json.error_msg)
  assert.truthy(answer.headers:get("x-request-id"):find("^%x+$"))
  assert.is_nil(answer.headers:get("x-acs-request-id"))
end

local MESSAGE = { message = "hello", ttl = 0 }

local function describe_signature(name, args, options)
  describe(name, function()
    local emulator

    setup(function()
      emulator = start_emulator({ args = args })
    end)

    teardown(function()
      emulator:stop()
    end)

    local function create(more)
      local all = {}
      for key, value in pairs(options) do
        all[key] = value
      end
      for key, value in pairs(more or {}) do
        all[key] = value
      end
      return huawei.create(emulator, "d1", MESSAGE, all)
    end

    for _, version in ipairs({ 1.1, 2 }) do
      it("accepts a signed call over HTTP/" .. version, function()
        local answer = create({ version = version })
        assert.equal("201", answer.status, answer.body)
        assert.equal("application/json", answer.headers:get("content-type"))
      end)
    end

    it("accepts more and fewer signed headers", function()
      for _, headers in ipairs({
        { ["instance-id"] = "abc" }, { ["x-project-id"] = huawei.PROJECT_ID, accept = "application/json" },
      }) do
        assert.equal("201", create({ headers = headers }).status)
      end
      local answer = create({ signed = function()
        return { "x-sdk-date" }
      end })
      assert.equal("201", answer.status)
    end)

    it("accepts fourteen minutes of skew", function()
      for _, skew in ipairs({ -14 * 60, 14 * 60 }) do
        assert.equal("201", create({ headers = { ["x-sdk-date"] = huawei.date(skew) } }).status)
      end
    end)

    local refusals = {
      { "a wrong secret", "401", "IOTDA.000002", { secret = "emulator-secreu" } },
      { "a stranger's key", "401", "IOTDA.000002", { access_key_id = "stranger" } },
      { "an old date", "401", "APIGW.0301", { headers = { ["x-sdk-date"] = huawei.date(-16 * 60) } } },
      { "a future date", "401", "APIGW.0301", { headers = { ["x-sdk-date"] = huawei.date(16 * 60) } } },
      { "another kind of date", "401", "IOTDA.000002", { headers = { ["x-sdk-date"] = rpc_client.timestamp() } } },
      { "no date", "401", "IOTDA.000002", { headers = { ["x-sdk-date"] = false } } },
      { "no signature", "401", "IOTDA.000002", { authorization = false } },
      { "another scheme", "401", "IOTDA.000002", { authorization = "Basic abc" } },
      { "a security token that is not its own", "401", "IOTDA.000002", { headers = { ["x-security-token"] = "t" } } },
      { "a body that was changed", "401", "IOTDA.000002", { body_sent = "{\"message\":\"other\"}" } },
      { "an unsigned date", "401", "IOTDA.000002", { signed = function()
        return { "host" }
      end } },
      { "unsorted headers", "401", "IOTDA.000002", { signed = function()
        return { "x-sdk-date", "host" }
      end } },
      { "a header that was not sent", "401", "IOTDA.000002", { signed = function()
        return { "x-absent", "x-sdk-date" }
      end } },
    }
    for _, refusal in ipairs(refusals) do
      it("refuses " .. refusal[1], function()
        assert_error(create(refusal[4]), refusal[2], refusal[3])
      end)
    end

    if options.derived then
      it("refuses the standard algorithm", function()
        assert_error(create({ derived = false }), "401", "IOTDA.000002")
      end)
      for key, value in pairs({ region = "cn-south-1", service = "iotda", scope_date = "20240101" }) do
        it("refuses a scope of another " .. key, function()
          assert_error(create({ [key] = value }), "401", "IOTDA.000002")
        end)
      end
    else
      it("lets a derived signature in and finds no subscription", function()
        assert_error(create({ derived = true }), "403", "IOTDA.000021")
        assert_error(create({ derived = true, secret = "wrong" }), "401", "IOTDA.000002")
      end)
    end

    it("takes a token instead", function()
      local token = huawei.token(emulator).headers:get("x-subject-token")
      assert.equal("201", create({ token = token }).status)
    end)
  end)
end

describe_signature("a shared Huawei host", {}, {})
describe_signature("a dedicated Huawei instance", { "--huawei-derived" }, { derived = true })

describe("the Huawei front door", function()
  local emulator

  setup(function()
    emulator = start_emulator({ args = {
      "--security-token", "sts", "--project-id", "only-project", "--unknown-devices=ghost",
      "--huawei-region", "cn-south-1",
    } })
  end)

  teardown(function()
    emulator:stop()
  end)

  local function post(path, options)
    return huawei.call(emulator, "POST", path, "{\"message\":\"x\"}", options)
  end

  it("announces its project", function()
    assert.equal("only-project", emulator.project_id)
    assert.equal(emulator.endpoint, emulator.huawei_endpoint)
  end)

  it("demands the security token and the project", function()
    assert.equal("201", post(huawei.path("d1", "", "only-project")).status)
    local without = post(huawei.path("d1", "", "only-project"), { headers = { ["x-security-token"] = false } })
    assert_error(without, "401", "IOTDA.000002")
    assert_error(post(huawei.path("d1")), "403", "IOTDA.000021")
  end)

  it("knows no device of a malformed or unknown name", function()
    assert_error(post(huawei.path(("d"):rep(129), "", "only-project")), "400", "IOTDA.000006")
    assert_error(post(huawei.path("d.1", "", "only-project")), "400", "IOTDA.000006")
    assert_error(post(huawei.path("ghost", "", "only-project")), "404", "IOTDA.014000")
    assert.equal("201", post(huawei.path(("d"):rep(128), "", "only-project")).status)
  end)

  it("refuses what it cannot read in its own shape", function()
    local options = { body_sent = ("x"):rep(4 * 1024 * 1024 + 1), version = 2 }
    assert_error(post(huawei.path("d1", "", "only-project"), options), "400", "APIGW.0201")
  end)

  it("knows no other paths and methods", function()
    for _, path in ipairs({ "/v5/iot", "/v5/iot/p/devices/d", "/v5/iot/p/devices/d/commands", "/v5/" }) do
      local answer = post(path)
      assert_error(answer, "404", "APIGW.0101")
      assert.is_string(answer.json.request_id)
    end
    assert_error(huawei.call(emulator, "DELETE", huawei.path("d1", "", "only-project")), "404", "APIGW.0101")
  end)
end)
