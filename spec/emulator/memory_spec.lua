-- What the emulator remembers, and that it never remembers without bound.

local nonce = require "iotmsg.emulator.nonce"
local presence = require "iotmsg.emulator.presence"
local ring = require "iotmsg.emulator.ring"
local store = require "iotmsg.emulator.huawei.store"
local token = require "iotmsg.emulator.huawei.token"

describe("a ring", function()
  it("forgets its oldest key when it is full", function()
    local memory = ring.new(3)
    for index = 1, 5 do
      memory:put("k" .. index, index)
    end
    assert.is_nil(memory:get("k1"))
    assert.is_nil(memory:get("k2"))
    for index = 3, 5 do
      assert.equal(index, memory:get("k" .. index))
    end
  end)

  it("changes a key in its place, and takes one away", function()
    local memory = ring.new(2)
    memory:put("a", 1)
    memory:put("b", 2)
    memory:put("a", 3)
    memory:remove("b")
    assert.equal(3, memory:get("a"))
    assert.is_nil(memory:get("b"))
    memory:put("b", 4)
    assert.is_nil(memory:get("a"))
    memory:put("c", 5)
    local seen = {}
    for key, value in memory:each() do
      seen[key] = value
    end
    assert.same({ b = 4, c = 5 }, seen)
  end)
end)

describe("the memory for nonces", function()
  it("refuses a nonce for 31 minutes", function()
    local memory = nonce.new()
    assert.is_true(memory:use("n", 1000))
    assert.is_false(memory:use("n", 1000))
    assert.is_false(memory:use("n", 1000 + 31 * 60 - 1))
    assert.is_true(memory:use("n", 1000 + 31 * 60))
    assert.is_false(memory:use("n", 1000 + 31 * 60))
  end)

  it("is bounded", function()
    local memory = nonce.new(100)
    for index = 1, 1000 do
      assert.is_true(memory:use("n" .. index, 0))
    end
    assert.is_false(memory:use("n901", 0))
    assert.is_true(memory:use("n900", 0))
  end)
end)

describe("the memory for subscriptions", function()
  it("reads mosquitto's lines", function()
    local known = presence.new()
    assert.equal("a/b", known:note("1795248802: dev7 1 a/b"))
    assert.equal("x y/#", known:note("1795248802: a client 0 x y/#"))
    assert.is_nil(known:note("1795248802: dev7 1 $SYS/broker/log/#"))
    assert.is_nil(known:note("nonsense"))
    assert.equal("#", known:note("1: dev7 1 " .. ("x"):rep(500)))
    assert.equal(3, known.changes)
  end)

  it("knows a device by a subscription that names it", function()
    local known = presence.new()
    known:note("1: c 1 #")
    known:note("1: c 1 /pk/+/user/get")
    assert.is_false(known:has_seen("/pk/d1/user/get", "/pk/d1/"))
    known:note("1: c 1 /sys/pk/d1/#")
    assert.is_true(known:has_seen("/pk/d1/user/get", "/pk/d1/"))
    assert.is_false(known:has_seen("raw/topic", "/pk/d2/"))
    known:note("1: c 1 raw/topic")
    assert.is_true(known:has_seen("raw/topic", "/pk/d2/"))
  end)
end)

describe("the memory for tokens", function()
  it("knows until when each is good", function()
    local memory = token.new(60)
    local text, expires_at = memory:issue({ project_id = "p" }, 1000)
    assert.equal(1060, expires_at)
    assert.equal("p", memory:find(text, 1059).project_id)
    local _, problem = memory:find(text, 1060)
    assert.equal("expired", problem)
    _, problem = memory:find(text .. "x", 1000)
    assert.equal("unknown", problem)
  end)
end)

describe("the store of Huawei's messages", function()
  local published, answers, now

  before_each(function()
    published, answers, now = {}, {}, 0
  end)

  local function new_store(known)
    return store.new({
      presence = known,
      now = function()
        return now
      end,
      publish = function(message)
        published[#published + 1] = message.topic
        local answer = table.remove(answers, 1) or { true, nil, false }
        if answer.meanwhile then
          answer.meanwhile()
        end
        return answer[1], answer[2], answer[3]
      end,
    })
  end

  local function record(id, topic)
    return { message_id = id, message = { topic = topic or "t" }, ttl_s = 300 }
  end

  it("sends again when somebody subscribed while it was sending", function()
    local known = presence.new()
    local messages = new_store(known)
    answers = {
      { true, nil, false, meanwhile = function()
        messages:flush(known:note("1: c 1 t"))
      end },
      { true, nil, true },
    }
    local message = record("m")
    assert.is_true(messages:send("d", message))
    assert.equal("DELIVERED", message.status)
    assert.same({ "t", "t" }, published)
  end)

  it("gives a message id back when the broker is gone", function()
    local messages = new_store(presence.new())
    answers = { { nil, "gone" } }
    local ok, problem = messages:send("d", record("m"))
    assert.is_nil(ok)
    assert.equal("gone", problem)
    assert.same({}, messages:list("d"))
    assert.is_true(messages:send("d", record("m")))
    ok, problem = messages:send("d", record("m"))
    assert.is_nil(ok)
    assert.equal("duplicate", problem)
  end)

  it("gives up after the ttl, at its very end", function()
    local messages = new_store(presence.new())
    messages:send("d", record("m"))
    now = 299
    assert.equal("PENDING", messages:find("d", "m").status)
    now = 400
    local found = messages:find("d", "m")
    assert.equal("TIMEOUT", found.status)
    assert.equal(300, found.finished_at)
    messages:flush("t")
    assert.equal(1, #published)
  end)
end)
