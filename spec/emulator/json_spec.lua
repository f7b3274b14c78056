-- The emulator's own JSON and UTF-8: strict readers, exact sources.

local json = require "iotmsg.emulator.json"
local mqtt_filter = require "iotmsg.emulator.mqtt_filter"
local unicode = require "iotmsg.emulator.unicode"

describe("JSON in the emulator", function()
  it("reads values with their place in the text", function()
    local text = " {\"a\": [1, -2.5e3, true, null, {}], \"b\":\"\\ud83d\\ude00\\n\\u4f60\\/\", \"c\":{ \"n\":1e2 }} "
    local node = assert(json.decode(text))
    assert.same({ "a", "b", "c" }, node.names)
    local items = node.value.a.value
    assert.equal(1, items[1].value)
    assert.equal(-2500, items[2].value)
    assert.is_true(items[3].value)
    assert.equal("null", items[4].kind)
    assert.equal("object", items[5].kind)
    assert.equal("\240\159\152\128\n\228\189\160/", node.value.b.value)
    assert.equal("{ \"n\":1e2 }", json.source(text, node.value.c))
  end)

  for _, text in ipairs({ "0", "-0", "[ ]", "\"\"", "1E+5", "false", "{ }", "1.5" }) do
    it("reads " .. text, function()
      assert.equal(text, json.source(text, json.decode(text)))
    end)
  end

  for _, text in ipairs({
    "", " ", "{", "[1,]", "{\"a\":1,}", "01", "-01", "1.", ".5", "+1", "1e", "\"\1\"", "\"a", "\"\\x\"",
    "\"\\ud83d\"", "\"\\udc00\"", "\"\\u12g4\"", "nul", "TRUE", "{\"a\":1,\"a\":2}", "{a:1}", "{\"a\"}", "1 2",
    "\"\255\"", "'a'", "[1 2]", ("["):rep(200) .. ("]"):rep(200),
  }) do
    it("refuses " .. text:sub(1, 20):gsub("%c", "?"), function()
      assert.is_nil(json.decode(text))
    end)
  end

  it("writes fields in order and leaves out what is nil", function()
    assert.equal("{\"b\":\"x\\u0000\\n\\\"\\\\\",\"a\":true,\"c\":[1,\"2\"],\"e\":{\"n\": 1}}", json.encode({ fields = {
      { "b", "x\0\n\"\\" }, { "a", true }, { "c", { 1, "2" } }, { "d", nil }, { "e", json.raw("{\"n\": 1}") },
    } }))
  end)
end)

describe("UTF-8 in the emulator", function()
  it("counts characters", function()
    for text, count in pairs({
      [""] = 0, abc = 3, ["a\0b"] = 3, ["\194\128\223\191"] = 2, ["\224\160\128\237\159\191\239\191\191"] = 3,
      ["\240\144\128\128\244\143\191\191"] = 2, ["\228\189\160x"] = 2,
    }) do
      assert.equal(count, unicode.length(text))
    end
  end)

  it("refuses what is not UTF-8", function()
    for _, text in ipairs({
      "\128", "\192\128", "\193\191", "\194", "\194x", "\224\159\191", "\237\160\128", "\240\143\191\191",
      "\244\144\128\128", "\245\128\128\128", "\228\189", "\255",
    }) do
      assert.is_nil(unicode.length(text))
    end
  end)
end)

describe("MQTT filters in the emulator", function()
  local cases = {
    { "#", "a/b", true }, { "a/#", "a", true }, { "a/#", "a/b/c", true }, { "a/+", "a/b", true },
    { "a/+", "a/b/c", false }, { "a/+", "a", false }, { "+/b", "/b", true }, { "+", "/b", false },
    { "a", "a/b", false }, { "a/b", "a/b", true }, { "#", "$oc/x", false }, { "+/x", "$oc/x", false },
    { "$oc/#", "$oc/x", true }, { "$share/g/a/+", "a/b", true }, { "a/+/c", "a//c", true },
  }
  for _, case in ipairs(cases) do
    it(("say whether %s covers %s"):format(case[1], case[2]), function()
      assert.equal(case[3], mqtt_filter.matches(case[1], case[2]))
    end)
  end
end)
