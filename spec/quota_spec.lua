-- Calls per second: places in a schedule, with the clock given. Each test has an account of its own.

local quota = require "iotmsg.quota"

local accounts = 0

local function account()
  accounts = accounts + 1
  return "LTAI-FAKE-" .. accounts
end

local PUB = { name = "pub", qps = 1600 }

-- Starts of calls made all at once.
local function starts(settings, operation, count, now_ms)
  local who, list = account(), {}
  for i = 1, count do list[i] = now_ms + quota.take(settings, operation, who, now_ms) end
  return list
end

local function most_in_a_second(list)
  local most, from = 0, 1
  for to = 1, #list do
    while list[to] - list[from] >= 1000 do from = from + 1 end
    most = math.max(most, to - from + 1)
  end
  return most
end

describe("quota", function()
  for _, rate in ipairs { 1, 3, 10, 300, 1600 } do
    it(("lets at most %d calls start within a second"):format(rate), function()
      local list = starts({ max_qps = rate }, PUB, rate * 4, 1000000)
      assert.is_true(most_in_a_second(list) <= rate, ("%d started"):format(most_in_a_second(list)))
    end)

    it(("does not take much longer than %d a second need"):format(rate), function()
      local list = starts({ max_qps = rate }, PUB, rate * 4, 1000000)
      assert.is_true(list[#list] <= 1000000 + 4 * 1000 * 1.1, list[#list])
    end)
  end

  it("holds nothing back below the rate", function()
    local who = account()
    for i = 0, 99 do assert.equal(0, quota.take({ max_qps = 10 }, PUB, who, 5000 + i * 110)) end
  end)

  it("holds the first call back never, also after a pause", function()
    local who = account()
    for i = 0, 9 do assert.equal(0, quota.take({ max_qps = 1 }, PUB, who, i * 10000)) end
  end)

  it("gives no credit for a pause", function()
    local who = account()
    quota.take({ max_qps = 10 }, PUB, who, 0)
    local list = {}
    for i = 1, 30 do list[i] = 60000 + quota.take({ max_qps = 10 }, PUB, who, 60000) end
    assert.is_true(list[30] >= 60000 + 2500, list[30])
  end)

  it("takes the operation's own limit where none is given", function()
    local list = starts({}, PUB, 3200, 0)
    assert.is_true(list[3200] > 1800 and list[3200] < 2200, list[3200])
    list = starts({ max_qps = { async_rrpc = 1 } }, PUB, 3200, 0)
    assert.is_true(list[3200] > 1800 and list[3200] < 2200, list[3200])
  end)

  it("takes the limit given for the operation by name", function()
    local list = starts({ max_qps = { pub = 10 } }, PUB, 21, 0)
    assert.is_true(list[21] > 1800 and list[21] <= 2200, list[21])
  end)

  it("holds nothing back where there is no limit", function()
    for _, case in ipairs { { { max_qps = false }, PUB }, { { max_qps = { pub = false } }, PUB }, { {},
      { name = "send" } } } do
      local list = starts(case[1], case[2], 1000, 0)
      assert.equal(0, list[1000])
    end
  end)

  it("keeps accounts and operations apart", function()
    local first, second = account(), account()
    local settings = { max_qps = 1 }
    for _ = 1, 5 do quota.take(settings, PUB, first, 0) end
    assert.is_true(quota.take(settings, PUB, first, 0) > 0)
    assert.equal(0, quota.take(settings, PUB, second, 0))
    assert.equal(0, quota.take(settings, { name = "async_rrpc", qps = 1000 }, first, 0))
  end)

  it("gives whole milliseconds", function()
    for _, start in ipairs(starts({ max_qps = 7 }, PUB, 50, 0)) do assert.equal(math.floor(start), start) end
  end)
end)
