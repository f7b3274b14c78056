-- The error object: prints as one line, concatenates on both sides, and has its fields on every path.

local Error = require "iotmsg.error"

local function full(more)
  local fields = {
    kind = "auth", outcome = "rejected", message = "no", code = "SignatureDoesNotMatch", http_status = 400,
    request_id = "BB71E443", attempts = 2,
  }
  for name, value in pairs(more or {}) do fields[name] = value end
  return Error.new(fields)
end

describe("error", function()
  it("prints what is known as one line", function()
    assert.equal("iotmsg: no (auth, rejected, code SignatureDoesNotMatch, HTTP 400, request BB71E443, 2 tries)",
      tostring(full()))
    assert.equal("iotmsg: qos must be 0 or 1 (invalid_argument, not_sent)",
      tostring(Error.invalid("qos", "must be 0 or 1")))
    assert.equal("iotmsg: slow (timeout, unknown)",
      tostring(Error.new { kind = "timeout", outcome = "unknown", message = "slow", attempts = 1 }))
  end)

  it("stays one line, whatever a server wrote", function()
    for byte = 0, 31 do
      local char = string.char(byte)
      local line = tostring(full { message = "a" .. char .. "b", code = "c" .. char, request_id = char .. "d" })
      assert.is_nil(line:find("[%c\127]"), "byte " .. byte)
      assert.is_truthy(line:find("a b", 1, true))
    end
    assert.is_truthy(tostring(full { message = "one\r\ntwo" }):find("one two", 1, true))
    assert.is_truthy(tostring(full { message = "你好" }):find("你好", 1, true))
  end)

  it("concatenates on both sides and with another error", function()
    local err = full()
    assert.equal("x: " .. tostring(err), "x: " .. err)
    assert.equal(tostring(err) .. " x", err .. " x")
    assert.equal("1" .. tostring(err), 1 .. err)
    assert.equal(tostring(err) .. tostring(err), err .. err)
    assert.equal("a b " .. tostring(err) .. " c", "a " .. "b " .. err .. " c")
  end)

  it("survives error and pcall as itself", function()
    local err = full()
    local ok, caught = pcall(error, err)
    assert.is_false(ok)
    assert.equal(err, caught)
  end)

  it("always says outcome, retryable and attempts", function()
    local err = Error.new { kind = "resource", message = "full" }
    assert.equal("not_sent", err.outcome)
    assert.is_false(err.retryable)
    assert.equal(0, err.attempts)
    assert.equal("unknown", Error.new { kind = "timeout", message = "", outcome = "unknown" }.outcome)
  end)

  it("makes invalid_argument errors that name their field", function()
    local err = Error.invalid("qos", "must be 0 or 1")
    assert.equal("invalid_argument", err.kind)
    assert.equal("qos", err.field)
    assert.equal("qos must be 0 or 1", err.message)
    assert.equal("not_sent", err.outcome)
  end)

  it("knows its own kind", function()
    assert.is_true(Error.is(full()))
    for _, value in ipairs { {}, "text", 1, true, setmetatable({}, { __tostring = function() return "" end }) } do
      assert.is_false(Error.is(value))
    end
    assert.is_false(Error.is(nil))
  end)
end)
