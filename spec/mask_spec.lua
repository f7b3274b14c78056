-- No secret survives in text that others wrote, in any spelling in which it comes back.

local mask = require "iotmsg.mask"
local wire = require "spec.support.wire"

local SECRET = "fa+ke/se cret=~%"

describe("mask.text", function()
  it("masks a secret as it is, percent-encoded, and encoded twice", function()
    local once = wire.encode(SECRET)
    local text = ("a %s b %s c %s d"):format(SECRET, once, wire.encode(once))
    assert.equal("a *** b *** c *** d", mask.text(text, { SECRET }))
  end)

  it("masks every occurrence, next to each other as well", function()
    assert.equal("******", mask.text("ss", { "s" }))
    assert.equal("x***y***z", mask.text("xaabyaabz", { "aab" }))
  end)

  it("masks a secret that contains another one whole", function()
    for _, secrets in ipairs { { "abc", "abcdef" }, { "abcdef", "abc" } } do
      assert.equal("1 *** 2 *** 3", mask.text("1 abcdef 2 abc 3", secrets))
    end
  end)

  it("takes no secret for a pattern", function()
    assert.equal("***b a.b", mask.text("a%db a.b", { "a%d" }))
    assert.equal("ab ***", mask.text("ab .*", { ".*" }))
    assert.equal("***", mask.text("%1[(", { "%1[(" }))
  end)

  it("ends, whatever the secret", function()
    assert.equal("a***b", mask.text("a***b", { "***" }))
    assert.equal("a ****** b", mask.text("a ** b", { "*" }))
    assert.equal("unchanged", mask.text("unchanged", {}))
  end)
end)

describe("mask.apply", function()
  it("masks what others wrote, nested strings and names too, and nothing of ours", function()
    local body = { text = "x fake y", list = { "fake", 1, true }, ["fake name"] = "z" }
    local err = { kind = "fake", outcome = "fake", message = "no fake", code = "fake", number = 5, body = body }
    mask.apply(err, { "fake" })
    assert.same({ kind = "fake", outcome = "fake", message = "no ***", code = "***", number = 5,
      body = { text = "x *** y", list = { "***", 1, true }, ["*** name"] = "z" } }, err)
  end)

  it("leaves no trace of what a gateway echoes of a signed request", function()
    local token = "CAIS+fake/token=="
    local query = "SecurityToken=" .. wire.encode(token) .. "&Signature=" .. wire.encode("AbM+/=")
    local to_sign = "POST&%2F&" .. wire.encode(query)
    local err = { message = "Specified signature is not matched. server string to sign is:" .. to_sign }
    mask.apply(err, { token, "AbM+/=" })
    assert.is_nil(err.message:find("token", 1, true))
    assert.is_nil(err.message:find("AbM", 1, true))
    assert.is_truthy(err.message:find("SecurityToken%3D***%26Signature%3D***", 1, true))
  end)
end)
