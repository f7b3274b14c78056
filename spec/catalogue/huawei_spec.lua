-- The vendor's documented codes, each with what it means for a caller, and the shapes in which errors come.

local catalogue = require "iotmsg.catalogue.huawei"

local VERDICTS = {
  refused = { "refused", "rejected", false }, auth = { "auth", "rejected", false },
  device = { "device", "rejected", false }, throttled = { "throttled", "rejected", true },
  server = { "server", "unknown", true },
}

-- Verdict, the statuses that the code comes with, the codes.
local DOCUMENTED = {
  { "server", { 500 }, "IOTDA.000001" }, { "auth", { 401, 403 }, "IOTDA.000002 IOTDA.000004 IOTDA.000021" },
  { "refused", { 400 }, [[IOTDA.000006 IOTDA.000008 IOTDA.000009 IOTDA.000010 IOTDA.000011 IOTDA.000012 IOTDA.000013
    IOTDA.000014 IOTDA.000015 IOTDA.000016 IOTDA.000017 IOTDA.000018 IOTDA.014031]] },
  { "refused", { 400, 404 }, "IOTDA.000029 IOTDA.014000" },
  { "device", { 400, 403 }, "IOTDA.014016 IOTDA.014028 IOTDA.014112" }, { "device", { 200 }, "IOTDA.014111" },
  -- A quota is a quota, whatever status it comes with.
  { "throttled", { 200, 400, 403, 429, 500 }, "IOTDA.014102 IOTDA.021101 IOTDA.021102" },
  { "refused", { 404 }, "APIGW.0101 APIGW.0103 APIG.0101 APIG.0103" },
  { "refused", { 400 }, "APIGW.0104 APIGW.0105 APIGW.0106 APIG.0104 APIG.0105 APIG.0106" },
  { "auth", { 401, 403 }, "APIGW.0301 APIGW.0302 APIGW.0303 APIG.0301 APIG.0302 APIG.0303" },
  { "throttled", { 429, 400, 503 }, "APIGW.0308 APIG.0308" },
  -- One code for many things: its status decides.
  { "refused", { 400, 413, 414, 494 }, "APIGW.0201 APIG.0201" }, { "server", { 502, 504 }, "APIGW.0201 APIG.0201" },
}

local function check(expected, code, status)
  local verdict = catalogue.verdict(code, status)
  assert.same(expected, { verdict.kind, verdict.outcome, verdict.retryable }, ("%s, %d"):format(tostring(code), status))
end

describe("the catalogue of Huawei's codes", function()
  for _, group in ipairs(DOCUMENTED) do
    for code in group[3]:gmatch("%S+") do
      for _, status in ipairs(group[2]) do
        it(("knows %s with status %d as %s"):format(code, status, group[1]), function()
          check(VERDICTS[group[1]], code, status)
          check(VERDICTS[group[1]], code:lower(), status)
        end)
      end
    end
  end

  local BY_STATUS = {
    [200] = "refused", [400] = "refused", [404] = "refused", [409] = "refused", [413] = "refused", [401] = "auth",
    [403] = "auth", [429] = "throttled", [408] = "server", [500] = "server", [502] = "server", [503] = "server",
    [504] = "server",
  }
  for status, name in pairs(BY_STATUS) do
    it(("goes by status %d where no code is known"):format(status), function()
      for _, code in ipairs { "", "IOTDA.999999", "APIGW.9999", "XAPIGW.0308", "IOTDA.0140160", "nonsense" } do
        check(VERDICTS[name], code, status)
      end
      check(VERDICTS[name], nil, status)
    end)
  end
end)

describe("the error in a body of Huawei's", function()
  local SHAPES = {
    ["error_code and error_msg"] = { error_code = "C", error_msg = "m" },
    ["errorCode and errorMsg"] = { errorCode = "C", errorMsg = "m" }, ["code and message"] = { code = "C",
      message = "m" },
    ["the gateway's"] = { error_msg = "m", error_code = "C", request_id = "r" },
    ["IAM's"] = { error = { code = "C", message = "m", title = "Unauthorized" } },
    ["error_code one level down"] = { error = { error_code = "C", error_msg = "m" } },
    ["errorCode one level down"] = { fault = { errorCode = "C", errorMsg = "m" }, request_id = "r" },
    ["an authorization message"] = { error_code = "C", encoded_authorization_message = "m" },
  }
  for what, body in pairs(SHAPES) do
    it("is found in the shape of " .. what, function()
      local code, message = catalogue.error_of(body)
      assert.equal("C", code)
      assert.equal("m", message)
    end)
  end

  it("is text even where a number came", function()
    local code, message = catalogue.error_of { error = { code = 401, message = 7 } }
    assert.equal("401", code)
    assert.equal("7", message)
  end)

  it("keeps the words where there is no code", function()
    for _, body in ipairs { { error_msg = "m" }, { message = "m" }, { errorMsg = "m" }, { error = { message = "m" } },
      { error = { error_msg = "m" } } } do
      local code, message = catalogue.error_of(body)
      assert.is_nil(code)
      assert.equal("m", message)
    end
  end)

  for what, body in pairs {
    ["an accepted message"] = { message_id = "x", result = { status = "PENDING" } },
    ["an accepted message with words beside it"] = { message_id = "x", message = "hello", code = "200" },
    ["a failed delivery"] = { message_id = "x", result = { status = "FAILED", code = "C", message = "m" } },
    ["nothing"] = {}, ["an empty code"] = { error_code = "", error_msg = "" },
    ["a list"] = { { "x" }, { "y" } },
  } do
    it("is not seen in " .. what, function()
      assert.is_nil((catalogue.error_of(body)))
    end)
  end

  it("is not looked for two levels down", function()
    assert.is_nil((catalogue.error_of { a = { b = { error_code = "C", error_msg = "m" } } }))
  end)
end)

describe("a message_id that was used before", function()
  for _, words in ipairs {
    "Duplicate message_id.", "The message ID is DUPLICATED", "duplicate key", "The message already exists.",
    "The message_id has already been used.", "message_id is repeated", "the message_id is not unique",
    "消息ID重复", "message_id已存在",
  } do
    it("is known by words such as " .. words, function()
      assert.is_true(catalogue.is_duplicate(words))
    end)
  end

  for _, words in ipairs {
    "", "The device does not exist.", "Invalid input. The message_id is too long.", "The request rate has reached",
    "Authentication failed.", "message_id must be unique to the device",
  } do
    it(("is not meant by %q"):format(words), function()
      assert.is_false(catalogue.is_duplicate(words))
    end)
  end

  it("is not meant by silence", function()
    assert.is_false(catalogue.is_duplicate(nil))
  end)
end)
