-- Huawei IAM on the emulator: tokens for passwords, how long they are good and what for.

local cqueues = require "cqueues"

local huawei = require "spec.support.huawei_client"
local rpc_client = require "spec.support.rpc_client"
local start_emulator = require("spec.support.emulator").start

local LIFETIME_S = 3

describe("IAM on the emulator", function()
  local emulator

  setup(function()
    emulator = start_emulator({ args = { "--token-lifetime", tostring(LIFETIME_S) } })
  end)

  teardown(function()
    emulator:stop()
  end)

  local function token(changes)
    return huawei.token(emulator, changes).headers:get("x-subject-token")
  end

  it("gives a token for a password", function()
    local answer = huawei.token(emulator)
    assert.equal("201", answer.status, answer.body)
    assert.truthy(answer.json.token.expires_at:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d+Z$"))
    assert.is_true(#answer.headers:get("x-subject-token") > 2000)
    assert.equal("cn-north-4", answer.json.token.project.name)
    assert.is_string(answer.headers:get("x-request-id"))
    assert.is_nil(emulator:log():find(answer.headers:get("x-subject-token"):sub(1, 40), 1, true))
  end)

  it("lets the token in until it expires, and no longer", function()
    local given = token()
    local again = token()
    assert.not_equal(given, again)
    assert.equal("201", huawei.create(emulator, "d1", { message = "x" }, { token = given }).status)
    cqueues.sleep(LIFETIME_S)
    local answer = huawei.create(emulator, "d1", { message = "x" }, { token = given })
    assert.equal("401", answer.status)
    assert.equal("IOTDA.000002", answer.json.error_code)
    assert.truthy(answer.json.error_msg:find("The token must be updated", 1, true))
  end)

  it("refuses tokens it did not give", function()
    for _, text in ipairs({ "nonsense", token():sub(1, 2000) }) do
      local answer = huawei.create(emulator, "d1", { message = "x" }, { token = text })
      assert.equal("401", answer.status)
      assert.equal("IOTDA.000002", answer.json.error_code)
    end
  end)

  it("wants tokens of the project", function()
    local by_id = token({ scope = { project = { id = huawei.PROJECT_ID } } })
    assert.equal("201", huawei.create(emulator, "d1", { message = "x" }, { token = by_id }).status)
    for _, scope in ipairs({ false, { project = { id = "another" } }, { domain = { name = "emulator-domain" } } }) do
      local answer = huawei.create(emulator, "d1", { message = "x" }, { token = token({ scope = scope }) })
      assert.equal("403", answer.status)
      assert.equal("IOTDA.000004", answer.json.error_code)
    end
  end)

  for name, changes in pairs({
    password = { password = "wrong" }, user = { user = "nobody" }, domain = { domain = "nowhere" },
  }) do
    it("answers 401 to a wrong " .. name, function()
      local answer = huawei.token(emulator, changes)
      assert.equal("401", answer.status)
      assert.equal(401, answer.json.error.code)
      assert.is_string(answer.json.error.message)
      assert.is_nil(answer.headers:get("x-subject-token"))
    end)
  end

  for _, body in ipairs({
    "", "[]", "{", "{\"auth\":1}", "{\"auth\":{\"identity\":{\"methods\":[\"token\"]}}}",
    "{\"auth\":{\"identity\":{\"methods\":[\"password\"]}}}",
  }) do
    it("answers 400 to " .. body, function()
      local answer = huawei.token(emulator, { body = body })
      assert.equal("400", answer.status)
      assert.equal(400, answer.json.error.code)
    end)
  end

  it("knows no other paths", function()
    local answer = rpc_client.send(emulator, { target = "/v3/users" })
    assert.equal("404", answer.status)
    assert.equal(404, answer.json.error.code)
  end)

  it("tells the project of a name to who signs", function()
    local answer = huawei.call(emulator, "GET", "/v3/projects", nil, { query = { name = "cn-north-4" } })
    assert.equal("200", answer.status, answer.body)
    assert.equal(huawei.PROJECT_ID, answer.json.projects[1].id)
    answer = huawei.call(emulator, "GET", "/v3/projects", nil, { authorization = false })
    assert.equal("401", answer.status)
  end)
end)
