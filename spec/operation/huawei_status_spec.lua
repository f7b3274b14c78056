-- The status of a message as a Huawei push reports it, in the three shapes of the vendor's pages.

local cjson = require "cjson"
local iotmsg = require "iotmsg"
local show = require "spec.support.show"
local status = require "iotmsg.operation.huawei_status"

local parse = iotmsg.huawei.parse_status

local HEADER = '"header":{"app_id":"app","device_id":"d4922d8a-6c8e","node_id":"node","product_id":"p",'
  .. '"gateway_id":"d4922d8a-6c8e","tags":[{"tag_key":"k","tag_value":"v"}]}'
local BODY = '"body":{"topic":"topic1","message_id":"m-1","name":"name1","status":"%s",'
  .. '"timestamp":"20151212T121212Z"}'
local HEAD = '{"resource":"device.message.status","event":"update","event_time":"20151212T121212Z",'
  .. '"event_time_ms":"2015-12-12T12:12:12.000Z","request_id":"r-1",'

local SHAPES = {
  ["as documented"] = HEAD .. '"notify_data":{' .. HEADER .. "," .. BODY .. "}}",
  ["with its body beside notify_data"] = HEAD .. '"notify_data":{' .. HEADER .. "}," .. BODY .. "}",
}
local FLAT = HEAD .. '"notify_data":{"message_id":"m-1","name":"name1","device_id":"d4922d8a-6c8e","status":"%s",'
  .. '"timestamp":"20151212T121212Z"}}'

describe("huawei.parse_status", function()
  for _, word in ipairs { "PENDING", "DELIVERED", "FAILED", "TIMEOUT" } do
    for what, shape in pairs(SHAPES) do
      it(("reads %s from a push %s"):format(word, what), function()
        assert.same({
          status = word, message_id = "m-1", device_id = "d4922d8a-6c8e", name = "name1", topic = "topic1",
          timestamp = "20151212T121212Z", event_time = "20151212T121212Z", request_id = "r-1",
        }, (assert(parse(shape:format(word)))))
      end)
    end

    it(("reads %s from the older flat push"):format(word), function()
      assert.same({
        status = word, message_id = "m-1", device_id = "d4922d8a-6c8e", name = "name1",
        timestamp = "20151212T121212Z", event_time = "20151212T121212Z", request_id = "r-1",
      }, (assert(parse(FLAT:format(word)))))
    end)
  end

  it("tells why a message failed", function()
    local push = '{"notify_data":{"header":{"device_id":"d"},"body":{"message_id":"m","status":"FAILED",'
      .. '"error_info":{"error_code":"IOTDA.014112","error_msg":"not subscribed"}}}}'
    local report = assert(parse(push))
    assert.equal("IOTDA.014112", report.error_code)
    assert.equal("not subscribed", report.error_msg)
  end)

  it("needs the status and the message's id, and nothing else", function()
    assert.same({ status = "TIMEOUT", message_id = "m" },
      (assert(parse '{"notify_data":{"body":{"message_id":"m","status":"TIMEOUT"}}}')))
    assert.same({ status = "TIMEOUT", message_id = "m" },
      (assert(parse '{"notify_data":{"message_id":"m","status":"TIMEOUT","name":null,"device_id":""}}')))
  end)

  it("takes a document with blanks and a byte beyond ASCII", function()
    local report = assert(parse ' \r\n{ "notify_data" : { "message_id":"m","status":"FAILED","name":"温度" } }\n')
    assert.equal("温度", report.name)
  end)

  it("keeps a long id that came as a number", function()
    assert.equal("889455942124347329",
      parse('{"notify_data":{"message_id":889455942124347329,"status":"PENDING"}}').message_id)
  end)

  local GARBAGE = {
    "", " ", "{}", "[]", "null", "1", '"text"', "<html></html>", "{", '{"notify_data":', '{"notify_data":{}}',
    '{"notify_data":[]}', '{"notify_data":"x"}', '{"notify_data":null,"body":null}', '{"notify_data":{"body":1}}',
    '{"notify_data":{"header":"x","body":"y"}}', '{"notify_data":{"message_id":"m"}}',
    '{"notify_data":{"status":"PENDING"}}', '{"notify_data":{"message_id":"","status":"PENDING"}}',
    '{"notify_data":{"message_id":"m","status":"pending"}}', '{"notify_data":{"message_id":"m","status":"OTHER"}}',
    '{"notify_data":{"message_id":"m","status":1}}', '{"notify_data":{"message_id":"m","status":["PENDING"]}}',
    '{"notify_data":{"message_id":{"x":1},"status":"PENDING"}}',
    '{"notify_data":{"message_id":true,"status":"FAILED"}}',
    '{"resource":"device.property","event":"report","notify_data":{"body":{"services":[]}}}', "\0\255",
    ("["):rep(5000), ('{"notify_data":'):rep(2000),
  }
  for i, text in ipairs(GARBAGE) do
    it(("finds no status in document %d: %s"):format(i, show(text)), function()
      local report, err = parse(text)
      assert.is_nil(report)
      assert.equal("protocol", err.kind)
      assert.is_string(err.message)
      assert.is_nil(tostring(err):find("[%c\127]"))
    end)
  end

  it("wants text", function()
    for _, value in ipairs { 1, true, {} } do
      local report, err = parse(value)
      assert.is_nil(report)
      assert.same({ "invalid_argument", "json" }, { err.kind, err.field })
    end
    local report, err = parse(nil)
    assert.is_nil(report)
    assert.equal("invalid_argument", err.kind)
  end)

  it("survives members of any type", function()
    for _, value in ipairs { "1", "true", "null", '"x"', "[]", "{}", "[1]" } do
      for _, name in ipairs { "device_id", "name", "topic", "timestamp", "error_info" } do
        local report = assert(parse(('{"event_time":%s,"request_id":%s,"header":%s,"notify_data":{"message_id":"m",'
          .. '"status":"FAILED","%s":%s}}'):format(value, value, value, name, value)))
        for field, text in pairs(report) do assert.is_string(text, field) end
      end
    end
  end)

  it("does not mind what others told lua-cjson", function()
    cjson.decode_max_depth(3)
    local report = parse(FLAT:format "PENDING")
    cjson.decode_max_depth(1000)
    assert.equal("m-1", report.message_id)
  end)
end)

describe("the result in a reply", function()
  it("is read as the platform writes it", function()
    assert.same({ status = "DELIVERED", created_time = "20240229T235959Z", finished_time = "20240301T000000Z" },
      status.result { status = "DELIVERED", created_time = "20240229T235959Z", finished_time = "20240301T000000Z" })
    assert.same({ status = "PENDING" }, status.result { status = "PENDING", created_time = "", finished_time = 1 })
  end)

  it("is nothing without a status", function()
    for _, value in ipairs { 1, "x", true, {}, { status = 1 }, { status = "" } } do
      assert.is_nil(status.result(value))
    end
    assert.is_nil(status.result(nil))
  end)
end)
