-- Waiting for calls, and what users' functions see of them: against a port where nobody listens, so that calls end soon
-- and need no server.

local iotmsg = require "iotmsg"

-- Refused at once, on every machine: port 1 of the loopback interface.
local function client(more)
  local options = { endpoint = "https://127.0.0.1:1", access_key_id = "fake", access_key_secret = "fake-secret",
    retry = "off", max_qps = false }
  for name, value in pairs(more or {}) do options[name] = value end
  return assert(iotmsg.new(options))
end

local function params(more)
  local values = { product_key = "a1", topic_full_name = "/a1/d/user/get", payload = "x" }
  for name, value in pairs(more or {}) do values[name] = value end
  return values
end

describe("a wait", function()
  after_each(function() iotmsg.drain(10000) end)

  it("keeps to its time while calls go on completing", function()
    local sender, stop = client(), false
    local function again()
      if not stop then assert(sender:start("pub", params(), again)) end
    end
    for _ = 1, 100 do again() end
    local start = os.time()
    local ok, err = iotmsg.drain(300)
    stop = true
    assert.is_nil(ok)
    assert.equal("timeout", err.kind)
    assert.is_true(os.time() - start <= 2)
  end)

  it("of no time hands out what has completed", function()
    local calls = {}
    for i = 1, 50 do calls[i] = assert(client():start("pub", params())) end
    local deadline = os.time() + 10
    repeat until iotmsg.wait_all(calls, 0) or os.time() > deadline
    for _, call in ipairs(calls) do assert.is_true(call:done()) end
  end)

  it("for all takes calls alone, and no holes", function()
    local call = assert(client():start("pub", params()))
    assert.has_error(function() iotmsg.wait_all { call, nil, call } end)
    assert.has_error(function() iotmsg.wait_all { {} } end)
    assert.is_true(iotmsg.wait_all { call })
  end)

  it("may stand inside on_done", function()
    local second = assert(client():start("pub", params()))
    local kind
    assert(client():start("pub", params(), function()
      local _, err = second:wait(5000)
      kind = err.kind
    end))
    assert.is_true(iotmsg.drain(10000))
    assert.equal("network", kind)
  end)
end)

describe("on_event", function()
  it("is told of each try and of the end, in this order", function()
    local names = {}
    local sender = client { retry = "safe", max_attempts = 2,
      on_event = function(event) names[#names + 1] = event.name .. event.attempt end }
    local _, err = sender:pub(params())
    assert.equal("network", err.kind)
    assert.equal(2, err.attempts)
    assert.same({ "attempt1", "attempt2", "done2" }, names)
  end)

  it("may fail: the call ends, on_done runs, and the poller gets the error", function()
    local done = 0
    local sender = client { on_event = function() error("mine", 0) end }
    local call = assert(sender:start("pub", params(), function() done = done + 1 end))
    local ok, thrown = pcall(function() return call:wait(10000) end)
    assert.is_false(ok)
    assert.equal("mine", thrown)
    assert.is_true(call:done())
    assert.equal(1, done)
  end)
end)

describe("a quota", function()
  it("is not used up by calls that could not go before their deadline", function()
    local sender = client { max_qps = 10, timeout_ms = 200, access_key_id = "fake-quota" }
    local kinds = { network = 0, timeout = 0 }
    for _ = 1, 30 do
      assert(sender:start("pub", params(), function(_, err) kinds[err.kind] = kinds[err.kind] + 1 end))
    end
    assert.is_true(iotmsg.drain(5000))
    assert.is_true(kinds.network >= 1 and kinds.network <= 3)
    local _, err = sender:pub(params())
    assert.equal("network", err.kind) -- its place came, in spite of the crowd before it
  end)
end)
