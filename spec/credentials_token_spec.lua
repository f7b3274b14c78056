-- Huawei's tokens, fetched with a password from a real server: one fetch however many wait, kept, renewed in time, and
-- what becomes of the calls where there is none to be had.

local cjson = require "cjson"
local cqueues = require "cqueues"

local iotmsg = require "iotmsg"
local start_iam = require("spec.support.iam").start
local refusing_endpoint = require("spec.support.iam").refusing_endpoint

local PASSWORD = 'fake-pass "word"+é'

describe("a token from a password", function()
  local cloud, user

  setup(function()
    cloud = start_iam()
  end)

  teardown(function()
    iotmsg.drain(10000)
    cloud:stop()
  end)

  local users = 0

  -- Every test is a user of its own, so that none finds another's token.
  before_each(function()
    users = users + 1
    user = "user-" .. users
    cloud:order { reset = true }
  end)

  local function client_with(more)
    local given = { endpoint = cloud.endpoint, iam_endpoint = cloud.endpoint, project_id = "p-1", username = user,
      password = PASSWORD, domain_name = "domain-1" }
    for name, value in pairs(more or {}) do given[name] = value end
    return assert(iotmsg.huawei.new(given))
  end

  local function params(more)
    local own = { device_id = "d", payload = "x" }
    for name, value in pairs(more or {}) do own[name] = value end
    return own
  end

  local function start_many(client, count, more)
    local calls = {}
    for i = 1, count do calls[i] = assert(client:start("send", params(more))) end
    return calls
  end

  local function assert_failed(res, err, kind, outcome)
    assert.is_nil(res)
    assert.same({ kind, outcome }, { err.kind, err.outcome }, tostring(err))
    assert.is_nil(tostring(err):find(PASSWORD, 1, true))
    for _, value in pairs(err) do
      if type(value) == "string" then assert.is_nil(value:find(PASSWORD, 1, true)) end
    end
  end

  it("is asked for as IAM wants it", function()
    assert(client_with():send(params()))
    local fetch = cloud:count().fetches[1]
    assert.equal("/v3/auth/tokens?nocatalog=1", fetch.target)
    assert.is_truthy(fetch.head:lower():find("\ncontent-type: application/json;charset=utf8\r\n", 1, true), fetch.head)
    assert.is_nil(fetch.head:lower():find("authorization", 1, true))
    assert.same({ auth = {
      identity = { methods = { "password" }, password = { user = { name = user, password = PASSWORD,
        domain = { name = "domain-1" } } } },
      scope = { project = { id = "p-1" } },
    } }, cjson.decode(fetch.body))
  end)

  it("is fetched once for fifty calls, and kept", function()
    cloud:order { delay_ms = 200 }
    local client = client_with()
    local calls = start_many(client, 50)
    assert(iotmsg.wait_all(calls, 10000))
    for _, call in ipairs(calls) do
      local res, err = call:wait()
      assert.is_nil(err, tostring(err))
      assert.equal(1, res.attempts)
    end
    for _ = 1, 5 do assert(client:send(params())) end
    assert(client_with():send(params()))
    local counts = cloud:count()
    assert.equal(1, #counts.fetches)
    assert.equal(1, counts.peak)
    assert.equal(56, #counts.sends)
    for _, send in ipairs(counts.sends) do assert.equal("1", send.token) end
  end)

  it("is that of its user, password, domain and project", function()
    assert(client_with():send(params()))
    for i, more in ipairs { { username = user .. "-b" }, { password = "other" }, { domain_name = "other" },
      { project_id = "other" } } do
      assert(client_with(more):send(params()))
      assert.equal(i + 1, #cloud:count().fetches)
    end
    assert(client_with():send(params()))
    assert.equal(5, #cloud:count().fetches)
  end)

  for _, header in ipairs { "X-Subject-Token", "x-subject-token", "X-SUBJECT-TOKEN" } do
    it("is read from the header " .. header, function()
      cloud:order { header = header }
      assert(client_with():send(params()))
      assert.equal("1", cloud:count().sends[1].token)
    end)
  end

  for _, size in ipairs { 2000, 20000, 100000 } do
    it(("may have %d characters"):format(size), function()
      cloud:order { size = size }
      local res, err = client_with():send(params())
      assert.is_nil(err, tostring(err))
      assert.equal("PENDING", res.result.status)
      assert.equal(size, cloud:count().sends[1].size)
    end)
  end

  it("is renewed before it expires, while the old one serves", function()
    local client = client_with()
    cloud:order { lifetime_s = 7 }
    assert(client:send(params()))
    cloud:order { delay_ms = 800 }
    local deadline, slowest = cqueues.monotime() + 12, 0
    local last
    repeat
      cqueues.sleep(0.05)
      local began = cqueues.monotime()
      local res, err = client:send(params())
      slowest = math.max(slowest, cqueues.monotime() - began)
      assert.is_nil(err, tostring(err))
      assert.equal(1, res.attempts)
      last = cloud:count()
    until last.sends[#last.sends].token == "2" or cqueues.monotime() > deadline
    assert.equal("2", last.sends[#last.sends].token)
    assert.equal(2, #last.fetches)
    assert.is_true(slowest < 0.7, ("a call waited %.3f s for the renewal"):format(slowest))
  end)

  it("is fetched anew once it has expired", function()
    local client = client_with()
    cloud:order { lifetime_s = 2 }
    assert(client:send(params()))
    cqueues.sleep(2.1)
    cloud:order { lifetime_s = 86400 }
    assert(client:send(params()))
    local counts = cloud:count()
    assert.equal(2, #counts.fetches)
    assert.same({ "1", "2" }, { counts.sends[1].token, counts.sends[2].token })
  end)

  it("is used once where the clocks disagree about its end", function()
    cloud:order { lifetime_s = -3600 }
    local res, err = client_with({ timeout_ms = 1500 }):send(params())
    local fetches = #cloud:count().fetches
    assert.is_true(fetches <= 4, ("%d fetches for one call"):format(fetches))
    assert.is_nil(err, tostring(err))
    assert.equal("PENDING", res.result.status)
  end)

  it("may come without its end", function()
    cloud:order { lifetime_s = false }
    local client = client_with()
    assert(client:send(params()))
    assert(client:send(params()))
    assert.equal(1, #cloud:count().fetches)
  end)

  it("is waited for by prepare, which sends nothing", function()
    cloud:order { delay_ms = 200 }
    local request = assert(client_with():prepare("send", params()))
    assert.is_truthy(request.headers["x-auth-token"]:find("^fake%-token%-1%-"))
    assert.is_nil(request.headers.authorization)
    assert.is_nil(request:curl():find("fake-token", 1, true))
    assert.is_truthy(request:curl({ reveal = true }):find("fake-token", 1, true))
    assert.is_nil(request:curl({ reveal = true }):find(PASSWORD, 1, true))
    local counts = cloud:count()
    assert.equal(1, #counts.fetches)
    assert.equal(0, #counts.sends)
  end)

  it("is fetched anew, once, when the cloud refuses it", function()
    local client = client_with()
    assert(client:send(params()))
    cloud:order { revoked = { ["1"] = true } }
    local res, err = client:send(params { message_id = "m-2" })
    assert.is_nil(err, tostring(err))
    assert.equal(2, res.attempts)
    local counts = cloud:count()
    assert.equal(2, #counts.fetches)
    assert.same({ "1", "1", "2" }, { counts.sends[1].token, counts.sends[2].token, counts.sends[3].token })
    assert.equal(counts.sends[2].body, counts.sends[3].body)
    assert.equal("m-2", res.message_id)
  end)

  it("is not fetched again and again where every one is refused", function()
    cloud:order { revoked = { all = true } }
    local res, err = client_with():send(params())
    assert_failed(res, err, "auth", "rejected")
    assert.equal("IOTDA.000002", err.code)
    assert.equal(2, err.attempts)
    assert.is_nil(tostring(err):find("fake-token", 1, true))
    assert.is_nil(err.message:find("fake-token", 1, true))
    assert.is_nil(err.body.error_msg:find("fake-token", 1, true))
    assert.equal(2, #cloud:count().fetches)
  end)

  it("outlives a refusal of the one before it", function()
    local client = client_with()
    assert(client:send(params()))
    cloud:order { revoked = { ["1"] = true }, slow_ms = { late = 500 } }
    local late = assert(client:start("send", params { device_id = "late" }))
    local early = assert(client:start("send", params()))
    assert(early:wait())
    assert.is_false(late:done())
    assert(late:wait())
    assert.equal(2, #cloud:count().fetches)
  end)

  it("is fetched once for fifty calls whose token was refused", function()
    local client = client_with()
    assert(client:send(params()))
    cloud:order { revoked = { ["1"] = true } }
    local calls = start_many(client, 50)
    assert(iotmsg.wait_all(calls, 10000))
    for _, call in ipairs(calls) do assert(call:wait()) end
    assert.equal(2, #cloud:count().fetches)
  end)

  it("is not to be had with a wrong password", function()
    cloud:order { status = 401, body = { error = { code = 401, title = "Unauthorized",
      message = "The password " .. PASSWORD .. " of " .. user .. " is wrong." } } }
    local res, err = client_with():send(params())
    assert_failed(res, err, "credentials", "not_sent")
    assert.is_false(err.retryable)
    assert.equal(401, err.http_status)
    assert.equal("401", err.code)
    assert.is_truthy(err.message:find("The password *** of " .. user .. " is wrong.", 1, true), err.message)
    local request, prepare_err = client_with():prepare("send", params())
    assert_failed(request, prepare_err, "credentials", "not_sent")
    local counts = cloud:count()
    assert.equal(2, #counts.fetches)
    assert.equal(0, #counts.sends)
    cloud:order { status = false }
    assert(client_with():send(params()))
  end)

  it("is asked for once by all who then fail", function()
    cloud:order { delay_ms = 200, status = 403, body = { error = { code = 403, message = "no" } } }
    local done = 0
    local client = client_with()
    for _ = 1, 20 do
      assert(client:start("send", params(), function(res, err)
        assert_failed(res, err, "credentials", "not_sent")
        done = done + 1
      end))
    end
    assert(iotmsg.drain(10000))
    assert.equal(20, done)
    assert.equal(1, #cloud:count().fetches)
  end)

  for what, order in pairs {
    ["no header"] = { status = 201, body = { token = { expires_at = "2099-01-01T00:00:00.000000Z" } } },
    ["an empty header"] = { status = 201, body = "{}", fields = "X-Subject-Token: \r\n" },
    ["a web page"] = { status = 200, body = "<html><body>login</body></html>" },
    ["an empty reply"] = { status = 200, body = "" }, ["a list"] = { status = 400, body = "[1,2]" },
    ["a redirect"] = { status = 302, body = "", fields = "Location: http://127.0.0.1:1/\r\n" },
    ["members of other types"] = { status = 400, body = { error = "x", message = { 1 } } },
  } do
    it("is not in " .. what, function()
      cloud:order(order)
      local res, err = client_with():send(params())
      assert_failed(res, err, "credentials", "not_sent")
      assert.equal(order.status, err.http_status)
      assert.is_true(err.code == nil or type(err.code) == "string")
      assert.equal(0, #cloud:count().sends)
    end)
  end

  it("is asked for no more often than max_attempts says", function()
    for _, status in ipairs { 429, 500, 503 } do
      cloud:order { reset = true }
      cloud:order { status = status, body = "" }
      local res, err = client_with({ max_attempts = 3, timeout_ms = 3000 }):send(params())
      assert_failed(res, err, "credentials", "not_sent")
      assert.is_true(err.retryable)
      local fetches = #cloud:count().fetches
      assert.is_true(fetches <= 3, ("%d fetches for one call"):format(fetches))
    end
  end)

  it("is asked for once with retry off", function()
    cloud:order { status = 503, body = "" }
    local res, err = client_with({ retry = "off" }):send(params())
    assert_failed(res, err, "credentials", "not_sent")
    assert.equal(1, #cloud:count().fetches)
  end)

  it("is not to be had where nobody listens", function()
    local began = cqueues.monotime()
    local res, err = client_with({ iam_endpoint = refusing_endpoint(), retry = "off" }):send(params())
    assert_failed(res, err, "credentials", "not_sent")
    assert.is_true(err.retryable)
    res, err = client_with({ iam_endpoint = refusing_endpoint(), timeout_ms = 6000 }):send(params())
    assert_failed(res, err, "credentials", "not_sent")
    assert.is_true(cqueues.monotime() - began < 4, "tried until the deadline")
    assert.equal(0, #cloud:count().sends)
  end)

  it("leaves a call that waits for it its deadline", function()
    cloud:order { delay_ms = 1000 }
    local first = assert(client_with():start("send", params()))
    local began = cqueues.monotime()
    local res, err = client_with({ timeout_ms = 200 }):send(params())
    assert_failed(res, err, "timeout", "not_sent")
    assert.is_true(cqueues.monotime() - began < 0.9)
    assert(first:wait())
    assert.equal(1, #cloud:count().fetches)
  end)

  it("leaves the call that asked for it its deadline, too", function()
    cloud:order { delay_ms = 800 }
    for _ = 1, 3 do
      local res, err = client_with({ timeout_ms = 100 }):send(params())
      assert_failed(res, err, "timeout", "not_sent")
    end
    assert.equal(0, #cloud:count().sends)
  end)

  it("comes for the others where the call that asked for it gave up", function()
    cloud:order { delay_ms = 600 }
    local hasty = assert(client_with({ timeout_ms = 150 }):start("send", params()))
    local patient = assert(client_with({ retry = "off" }):start("send", params()))
    assert_failed(nil, select(2, hasty:wait()), "timeout", "not_sent")
    local res, err = patient:wait()
    assert.is_nil(err, tostring(err))
    assert.equal(1, res.attempts)
    assert.equal(1, #cloud:count().fetches)
  end)

  it("does not hold a call that is cancelled", function()
    cloud:order { delay_ms = 600 }
    local client = client_with()
    local calls = start_many(client, 3)
    iotmsg.poll(50)
    calls[1]:cancel()
    local began = cqueues.monotime()
    local res, err = calls[1]:wait()
    assert_failed(res, err, "cancelled", "not_sent")
    assert.is_true(cqueues.monotime() - began < 0.4)
    assert(calls[2]:wait())
    assert(calls[3]:wait())
    local counts = cloud:count()
    assert.equal(1, #counts.fetches)
    assert.equal(2, #counts.sends)
  end)

  it("sends nothing of a call that was cancelled before the token was handed out", function()
    local call = assert(client_with():start("send", params()))
    cqueues.sleep(0.3) -- the token is there and nobody looked
    call:cancel()
    local res, err = call:wait()
    assert_failed(res, err, "cancelled", "not_sent")
    iotmsg.drain(2000)
    assert.equal(0, #cloud:count().sends)
  end)

  it("sends nothing of a call whose deadline passed before the token was handed out", function()
    local call = assert(client_with({ timeout_ms = 200 }):start("send", params()))
    cqueues.sleep(0.5)
    local res, err = call:wait()
    assert_failed(res, err, "timeout", "not_sent")
    iotmsg.drain(2000)
    assert.equal(0, #cloud:count().sends)
  end)

  it("does not let one caller's error keep the others from going on", function()
    cloud:order { delay_ms = 200, status = 403, body = "{}" }
    local client, done = client_with(), 0
    for i = 1, 3 do
      assert(client:start("send", params(), function()
        done = done + 1
        if i == 1 then error("a caller's own") end
      end))
    end
    local thrown = 0
    for _ = 1, 100 do
      if not pcall(iotmsg.poll, 50) then thrown = thrown + 1 end
      if done == 3 then break end
    end
    assert.equal(3, done)
    assert.equal(1, thrown)
  end)

  it("counts as pending what waits for it", function()
    cloud:order { delay_ms = 200 }
    local client = client_with({ max_pending = 2 })
    start_many(client, 2)
    local call, err = client:start("send", params())
    assert_failed(call, err, "resource", "not_sent")
    assert(iotmsg.drain(5000))
    assert(client:send(params()))
  end)

  it("goes to the endpoint of iam_endpoint, which is read like any", function()
    local res, err = client_with({ iam_endpoint = "http://h/path" }):send(params())
    assert_failed(res, err, "invalid_argument", "not_sent")
    assert.equal("iam_endpoint", err.field)
  end)

  it("is fetched before a message that is then tried again", function()
    cloud:order { failures = 2 }
    local res, err = client_with():send(params())
    assert.is_nil(err, tostring(err))
    assert.equal(3, res.attempts)
    local counts = cloud:count()
    assert.equal(1, #counts.fetches)
    for i = 1, 3 do assert.equal(res.message_id, cjson.decode(counts.sends[i].body).message_id) end
  end)

  it("makes a success of a repeat that the cloud knows already", function()
    cloud:order { failures = 1, refusal = { status = 400, body = { error_code = "IOTDA.014999",
      error_msg = "The message_id is duplicate." } } }
    local res, err = client_with():send(params { message_id = "m-9" })
    assert.is_nil(err, tostring(err))
    assert.is_true(res.duplicate)
    assert.equal("m-9", res.message_id)
    assert.equal(2, res.attempts)
    res, err = client_with():send(params { message_id = "m-9" })
    assert_failed(res, err, "refused", "rejected")
    assert.equal(1, err.attempts)
  end)
end)
