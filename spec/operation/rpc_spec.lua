-- Replies of Alibaba's RPC actions, as the vendor writes them and as gateways on the way do.

local Error = require "iotmsg.error"
local pub = require "iotmsg.operation.pub"
local rpc = require "iotmsg.operation.rpc"
local show = require "spec.support.show"

local ID = "889455942124347329"

local function reply(status, body, headers)
  return { status = status, head = ("HTTP/1.1 %d X\r\n%s\r\n"):format(status, headers or ""), body = body }
end

local function assert_failed(res, err, kind, outcome, retryable)
  assert.is_nil(res)
  assert.is_true(Error.is(err))
  assert.equal(kind, err.kind, tostring(err))
  assert.equal(outcome, err.outcome, tostring(err))
  assert.equal(retryable, err.retryable, tostring(err))
  assert.is_string(err.message)
  assert.is_nil(tostring(err):find("[%c\127]"))
end

describe("a reply that accepts", function()
  local BODIES = {
    ["JSON, the id bare"] = '{"RequestId":"BB71","Success":true,"MessageId":%s}',
    ["JSON, the id quoted"] = '{"RequestId":"BB71","Success":true,"MessageId":"%s"}',
    ["JSON with blanks"] = ' {\r\n "MessageId" : %s ,\n "Success" : true , "RequestId" : "BB71" } \n',
    ["JSON with an empty code"] = '{"RequestId":"BB71","Success":true,"Code":"","MessageId":%s}',
    ["JSON with a null code"] = '{"RequestId":"BB71","Success":true,"Code":null,"ErrorMessage":null,"MessageId":%s}',
    ["JSON with code 200"] = '{"RequestId":"BB71","Code":200,"MessageId":%s}',
    ['JSON with code "200"'] = '{"RequestId":"BB71","Code":"200","MessageId":%s}',
    ["JSON with code OK"] = '{"RequestId":"BB71","Code":"OK","MessageId":%s}',
    ["JSON with code Success"] = '{"RequestId":"BB71","Code":"Success","Success":true,"MessageId":%s}',
    ["XML"] = '<?xml version="1.0" encoding="UTF-8"?><PubResponse><RequestId>BB71</RequestId><Success>true</Success>'
      .. "<MessageId>%s</MessageId></PubResponse>",
    ["XML with blanks"] = "<PubResponse>\r\n  <RequestId>BB71</RequestId>\r\n"
      .. "  <MessageId>%s</MessageId>\r\n</PubResponse>\r\n",
    ["XML with code 200"] = "<PubResponse><Code>200</Code><RequestId>BB71</RequestId>"
      .. "<MessageId>%s</MessageId></PubResponse>",
  }
  for what, body in pairs(BODIES) do
    for _, id in ipairs { ID, "9007199254740993", "18446744073709551615", "123456789012345", "12345678901234", "42",
      "0" } do
      it(("gives the exact id %s from %s"):format(id, what), function()
        local res, err = pub.parse(reply(200, body:format(id)))
        assert.is_nil(err, tostring(err))
        assert.equal(id, res.message_id)
        assert.equal("BB71", res.request_id)
        assert.equal(200, res.http_status)
        assert.is_table(res.body)
        if #id >= 15 then assert.equal(id, res.body.MessageId) end
      end)
    end
  end

  it("may be of any 2xx status and needs no id where the action has none", function()
    assert.equal("42", pub.parse(reply(202, '{"MessageId":"42"}')).message_id)
    local res = assert(rpc.parse(reply(200, '{"RequestId":"BB71","Success":true,"Data":{"List":[1,2]}}')))
    assert.is_nil(res.message_id)
    assert.same({ 1, 2 }, res.body.Data.List)
  end)

  it("gives the same body for JSON and XML", function()
    local from_json = pub.parse(reply(200, ('{"RequestId":"BB71","Success":true,"MessageId":%s,"N":7}'):format(ID)))
    local from_xml = pub.parse(reply(200,
      ("<R><RequestId>BB71</RequestId><Success>true</Success>"
      .. "<MessageId>%s</MessageId><N>7</N></R>"):format(ID)))
    assert.same(from_json, from_xml)
    assert.equal(tostring(from_json.body.N), tostring(from_xml.body.N))
  end)

  it("takes the request id from the header where the body has none", function()
    assert.equal("HEAD-1", pub.parse(reply(200, '{"Success":true,"MessageId":1}',
      "X-Acs-Request-Id: HEAD-1\r\n")).request_id)
  end)
end)

describe("a reply that refuses", function()
  it("comes with status 200, Success false and ErrorMessage", function()
    for _, body in ipairs {
      '{"RequestId":"BB71","Success":false,"Code":"iot.prod.NullProductKey",'
        .. '"ErrorMessage":"The product key is empty."}',
      "<PubResponse><RequestId>BB71</RequestId><Success>false</Success><Code>iot.prod.NullProductKey</Code>"
        .. "<ErrorMessage>The product key is empty.</ErrorMessage></PubResponse>",
    } do
      local res, err = pub.parse(reply(200, body))
      assert_failed(res, err, "refused", "rejected", false)
      assert.equal("iot.prod.NullProductKey", err.code)
      assert.equal("The product key is empty.", err.message)
      assert.equal("BB71", err.request_id)
      assert.equal(200, err.http_status)
      assert.equal("iot.prod.NullProductKey", err.body.Code)
    end
  end)

  it("comes with status 4xx, Code and Message", function()
    local res, err = pub.parse(reply(404, '{"RequestId":"BB71","HostId":"h","Code":"InvalidAccessKeyId.NotFound",'
      .. '"Message":"Specified access key is not found.","Recommend":"https://x"}'))
    assert_failed(res, err, "auth", "rejected", false)
    assert.equal("InvalidAccessKeyId.NotFound", err.code)
    assert.equal("Specified access key is not found.", err.message)
    assert.equal(404, err.http_status)
    assert.equal("https://x", err.body.Recommend)
  end)

  it("prefers the words that are meant for this call", function()
    local _, err = pub.parse(reply(200, '{"Success":false,"Code":"x","ErrorMessage":"ours","Message":"theirs"}'))
    assert.equal("ours", err.message)
  end)

  local CASES = {
    { 200, '{"Success":false}', "refused", "rejected", false },
    { 200, '{"Success":false,"MessageId":1}', "refused", "rejected", false },
    { 200, '{"Code":"iot.device.OfflineDevice"}', "device", "rejected", false },
    { 200, '{"Success":false,"Code":"iot.messagebroker.RateLimit"}', "throttled", "rejected", true },
    { 200, '{"Success":false,"Code":"iot.system.SystemException"}', "server", "unknown", true },
    { 400, '{"Code":"Throttling.User","Message":"x"}', "throttled", "rejected", true },
    { 400, '{"Code":"SignatureNonceUsed","Message":"x"}', "auth", "rejected", true },
    { 400, '{"Message":"no code"}', "refused", "rejected", false }, { 403, "{}", "auth", "rejected", false },
    { 429, "{}", "throttled", "rejected", true }, { 500, '{"Code":"InternalError"}', "server", "unknown", true },
    { 503, '{"Code":"ServiceUnavailable"}', "server", "unknown", true }, { 503, "{}", "server", "unknown", true },
    { 500, '{"Success":true,"MessageId":1}', "server", "unknown", true },
    { 400, '{"Code":"iot.Device.NotExistedDevice","Message":"x"}', "refused", "rejected", false },
  }
  for _, case in ipairs(CASES) do
    it(("with %d %s is %s, %s"):format(case[1], case[2], case[3], case[4]), function()
      local res, err = pub.parse(reply(case[1], case[2]))
      assert_failed(res, err, case[3], case[4], case[5])
      assert.equal(case[1], err.http_status)
    end)
  end

  it("has a message and a code that are strings, whatever came", function()
    for _, word in ipairs { "123", "1.5", "true", '{"a":1}', "[1,2]", "889455942124347329", '"two\\nlines"', '""' } do
      local res, err = pub.parse(reply(400, ('{"Code":%s,"Message":%s,"RequestId":%s}'):format(word, word, word)))
      assert.is_nil(res)
      assert.is_string(err.message)
      assert.is_string(err.code)
      assert.is_string(err.request_id)
      assert.is_nil(tostring(err):find("[%c\127]"))
    end
  end)

  it("says when to try again", function()
    local function ms(headers)
      local _, err = pub.parse(reply(429, '{"Code":"Throttling"}', headers))
      return err.retry_after_ms
    end
    assert.equal(1500, ms("x-acs-retry-after: 1500\r\n"))
    assert.equal(2000, ms("Retry-After: 2\r\n"))
    assert.is_nil(ms("Retry-After: soon\r\n"))
    assert.is_nil(ms(""))
    local _, err = pub.parse(reply(503, "", "Retry-After: 7\r\n"))
    assert.equal(7000, err.retry_after_ms)
  end)

  it("takes the request id from the header where the body has none", function()
    local _, err = pub.parse(reply(502, "<html></html>", "x-acs-request-id: HEAD-1\r\n"))
    assert.equal("HEAD-1", err.request_id)
  end)
end)

describe("a reply that cannot be understood", function()
  local PAGES = { "", " \r\n", "<html><body>hello</body></html>", "<!DOCTYPE html>\n<html></html>", "OK", "[1,2]",
    '"text"', "42", "null",
    '{"Success":true,"MessageId":889', '{"Success":tr', "<PubResponse><MessageId>88945",
      "<PubResponse></PubRespons", "\0\255",
    ("["):rep(5000) }
  for _, body in ipairs(PAGES) do
    it("with status 200 is of kind protocol, outcome unknown: " .. show(body), function()
      local res, err = pub.parse(reply(200, body))
      assert_failed(res, err, "protocol", "unknown", false)
      assert.equal(200, err.http_status)
      assert.is_truthy(err.message:find("200", 1, true), err.message)
    end)

    it("with status 502 may have been taken: " .. show(body), function()
      local res, err = pub.parse(reply(502, body))
      assert.is_nil(res)
      assert.equal("unknown", err.outcome)
      assert.is_true(err.retryable)
      assert.equal(502, err.http_status)
    end)
  end

  for _, status in ipairs { 300, 301, 302, 303, 307, 308 } do
    for _, body in ipairs { "", "<html>moved</html>", '{"Success":true,"MessageId":1}', "{}" } do
      it(("is a redirect, %d %s"):format(status, show(body)), function()
        local res, err = pub.parse(reply(status, body, "Location: https://elsewhere/\r\n"))
        assert_failed(res, err, "protocol", "unknown", false)
        assert.equal(status, err.http_status)
      end)
    end
  end

  local WITHOUT_ID = { '{"Success":true,"RequestId":"BB71"}', "{}", '{"Success":true,"MessageId":null}',
    '{"Success":true,"MessageId":{}}',
    '{"Success":true,"MessageId":[1]}', '{"Success":true,"MessageId":""}', '{"Success":true,"MessageId":true}',
    '{"Success":true,"MessageId":1.5}', '{"Success":true,"MessageId":1e30}', '{"Success":true,"MessageId":1e400}',
    "<PubResponse><Success>true</Success></PubResponse>", "<PubResponse><MessageId/></PubResponse>",
    "<PubResponse><MessageId><x>1</x></MessageId></PubResponse>" }
  for _, body in ipairs(WITHOUT_ID) do
    it("says success without a message id: " .. show(body), function()
      local res, err = pub.parse(reply(200, body))
      assert_failed(res, err, "protocol", "unknown", false)
      assert.is_truthy(err.message:find("MessageId", 1, true), err.message)
    end)
  end
end)
