-- Whether to try again, and when; the random number is given.

local retry = require "iotmsg.retry"

local function delay(more)
  local case = { retry = "safe", max_attempts = 4, retryable = true, outcome = "rejected", attempts = 1,
    remaining_ms = 15000,
    random = 0.5 }
  for name, value in pairs(more or {}) do case[name] = value end
  local err = { retryable = case.retryable, outcome = case.outcome, retry_after_ms = case.retry_after_ms }
  return retry.delay_ms(case, err, case.attempts, case.remaining_ms, case.random)
end

describe("retry", function()
  it("tries again where nothing can arrive twice", function()
    for _, outcome in ipairs { "not_sent", "rejected" } do
      for _, mode in ipairs { "safe", "at_least_once" } do
        assert.is_number(delay { outcome = outcome, retry = mode })
      end
    end
  end)

  it("tries an unknown outcome again only when asked for at least once", function()
    assert.is_nil(delay { outcome = "unknown" })
    assert.is_number(delay { outcome = "unknown", retry = "at_least_once" })
  end)

  it("never tries again when off, when it cannot help, or when the tries are used up", function()
    assert.is_nil(delay { retry = "off" })
    assert.is_nil(delay { retryable = false })
    assert.is_nil(delay { retryable = false, retry = "at_least_once" })
    assert.is_number(delay { attempts = 3 })
    assert.is_nil(delay { attempts = 4 })
    assert.is_nil(delay { attempts = 5 })
    assert.is_nil(delay { max_attempts = 1 })
  end)

  it("doubles the ceiling of the delay up to its cap, with full jitter", function()
    local before = 0
    for attempts = 1, 12 do
      local ceiling = delay { attempts = attempts, random = 0.999999, max_attempts = 100 }
      assert.is_true(ceiling >= before and ceiling <= 5000)
      if before > 0 and before * 2 <= 5000 then assert.equal(before * 2, ceiling) end
      assert.equal(0, delay { attempts = attempts, random = 0, max_attempts = 100 })
      before = ceiling
    end
    assert.equal(5000, before)
  end)

  it("waits at least as long as the server asks", function()
    assert.equal(2000, delay { retry_after_ms = 2000 })
    assert.is_true(delay { retry_after_ms = 1, random = 0.999 } > 1)
  end)

  it("gives up where the deadline comes first", function()
    assert.is_nil(delay { retry_after_ms = 20000 })
    assert.is_nil(delay { remaining_ms = 0, random = 0 })
    assert.is_nil(delay { remaining_ms = -5, random = 0 })
    assert.is_nil(delay { remaining_ms = 2000, retry_after_ms = 2000 })
    assert.equal(1999, delay { remaining_ms = 2000, retry_after_ms = 1999 })
  end)

  it("gives whole milliseconds", function()
    for i = 0, 99 do
      local ms = delay { random = i / 100, attempts = 3 }
      assert.equal(math.floor(ms), ms)
    end
  end)
end)
