-- What came back over HTTP: headers in any case, bodies in either format, and how long to wait.

local reply = require "iotmsg.reply"

local function with(lines, body)
  return { status = 200, head = "HTTP/1.1 200 OK\r\n" .. lines .. "\r\n", body = body or "" }
end

describe("reply.header", function()
  it("finds a header whatever its case and its blanks", function()
    for _, line in ipairs { "retry-after: 3\r\n", "Retry-After:3\r\n", "RETRY-AFTER: \t 3\r\n",
      "a: b\r\nretry-after: 3\r\nc: d\r\n",
      "retry-after: 3\n" } do
      assert.equal("3", reply.header(with(line), "retry-after"))
    end
  end)

  it("finds whole names only", function()
    assert.is_nil(reply.header(with("x-retry-after: 3\r\n"), "retry-after"))
    assert.is_nil(reply.header(with("retry-after-ms: 3\r\n"), "retry-after"))
    assert.is_nil(reply.header(with("x: retry-after: 3\r\n"), "retry-after"))
    assert.equal("y", reply.header(with("x_1: y\r\n"), "x_1"))
  end)

  it("takes the first of several and keeps an empty one", function()
    assert.equal("1", reply.header(with("a: 1\r\nA: 2\r\n"), "a"))
    assert.equal("", reply.header(with("a:\r\nb: c\r\n"), "a"))
  end)

  it("gives exactly nil where there is none", function()
    assert.equal(1, select("#", reply.header(with(""), "a")))
    assert.is_nil(reply.header({ status = 0, head = "", body = "" }, "a"))
  end)
end)

describe("reply.decode", function()
  it("reads JSON and XML by what they are", function()
    assert.same({ MessageId = "889455942124347329" }, reply.decode(with("", ' \r\n{"MessageId":889455942124347329}\n')))
    assert.same({ MessageId = "889455942124347329" },
      reply.decode(with("",
        "<?xml version='1.0'?><PubResponse><MessageId>889455942124347329</MessageId></PubResponse>")))
    assert.same({ a = 1 }, reply.decode(with("Content-Type: text/html\r\n", '{"a":1}')))
  end)

  for _, body in ipairs { "", " ", "OK", "[1]", '"text"', "123", "<html><body>502</body></html>",
    "<HTML><head/></HTML>",
    "<!DOCTYPE html>\n<html><p>x</p></html>", '{"a":', "<PubResponse><MessageId>1", "\0", "\255{}" } do
    it("gives nothing for " .. require("spec.support.show")(body), function()
      assert.is_nil(reply.decode(with("", body)))
    end)
  end
end)

describe("reply.retry_after_ms", function()
  for _, case in ipairs {
    { "x-acs-retry-after: 1500\r\n", 1500 }, { "Retry-After: 3\r\n", 3000 }, { "Retry-After: 0\r\n", 0 },
    { "Retry-After: 3\r\nX-Acs-Retry-After: 250\r\n", 250 }, { "Retry-After: 0.5\r\n", 500 },
    { "", nil }, { "Retry-After: soon\r\n", nil }, { "Retry-After: -1\r\n", nil }, { "Retry-After:\r\n", nil },
    { "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", nil }, { "Retry-After: nan\r\n", nil },
      { "Retry-After: inf\r\n", nil },
    { "Retry-After: 1e300\r\n", 120000 }, { "Retry-After: 99999999999\r\n", 120000 },
  } do
    it(("gives %s for %q"):format(tostring(case[2]), case[1]:gsub("\r\n", "; ")), function()
      assert.equal(case[2], (reply.retry_after_ms(with(case[1]))))
    end)
  end
end)
