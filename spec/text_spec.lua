-- UTF-8 by the table of RFC 3629, and names that were nearly right.

local text = require "iotmsg.text"
local show = require "spec.support.show"

local function utf8_of(point)
  local floor, char = math.floor, string.char
  if point < 0x80 then return char(point) end
  if point < 0x800 then return char(0xC0 + floor(point / 64), 0x80 + point % 64) end
  if point < 0x10000 then
    return char(0xE0 + floor(point / 4096), 0x80 + floor(point / 64) % 64, 0x80 + point % 64)
  end
  return char(0xF0 + floor(point / 262144), 0x80 + floor(point / 4096) % 64, 0x80 + floor(point / 64) % 64,
    0x80 + point % 64)
end

describe("text.is_utf8", function()
  for _, good in ipairs {
    "", "ascii", "\0", "\127", "你好，世界 😀", "e\204\129", "\194\128", "\223\191", "\224\160\128", "\237\159\191",
    "\238\128\128", "\239\191\191", "\239\187\191bom", "\240\144\128\128", "\244\143\191\191", ("é"):rep(100000),
  } do
    it("accepts " .. show(good), function()
      assert.is_true(text.is_utf8(good))
    end)
  end

  local BAD = {
    ["a lone continuation"] = { "\128", "\191", "a\128", "é\128" },
    ["a sequence that is cut"] = { "\194", "\224\160", "\240\144\128", "你\228\189", "\228\189a", "\195\195\169" },
    ["an overlong form"] = { "\192\128", "\193\191", "\224\128\128", "\224\159\191", "\240\128\128\128",
      "\240\143\191\191" },
    ["a surrogate"] = { "\237\160\128", "\237\191\191", "\237\160\189\237\184\128" },
    ["more than U+10FFFF"] = { "\244\144\128\128", "\245\128\128\128", "\247\191\191\191", "\248\136\128\128\128",
      "\252\132\128\128\128\128", "\254", "\255" },
  }
  for what, list in pairs(BAD) do
    for _, bad in ipairs(list) do
      it("refuses " .. what .. ": " .. show(bad), function()
        assert.is_false(text.is_utf8(bad))
        assert.is_false(text.is_utf8("text " .. bad .. " text"))
        assert.is_false(text.is_utf8("你" .. bad))
      end)
    end
  end

  it("is right about every code point and every pair of bytes", function()
    for point = 0, 0x10FFFF, 7 do
      assert.equal(point < 0xD800 or point > 0xDFFF, text.is_utf8(utf8_of(point)))
    end
    for first = 0, 255 do
      for second = 0, 255, 3 do
        local ascii = first < 128 and second < 128
        local pair = first >= 194 and first <= 223 and second >= 128 and second <= 191
        assert.equal(ascii or pair, text.is_utf8(string.char(first, second)))
      end
    end
  end)
end)

describe("text.nearest", function()
  local KNOWN = { "product_key", "topic_full_name", "payload", "qos", "iot_instance_id", "retained", "response_topic" }
  local NEAR = {
    { "product_ky", "product_key" }, { "productkey", "product_key" }, { "ProductKey", "product_key" },
    { "PRODUCT_KEY", "product_key" }, { "product-key", "product_key" }, { "TopicFullName", "topic_full_name" },
    { "topic_fullname", "topic_full_name" }, { "payloda", "payload" }, { "Qos", "qos" }, { "QoS", "qos" },
    { "IotInstanceId", "iot_instance_id" }, { "retain", "retained" }, { "responsetopic", "response_topic" },
  }
  for _, case in ipairs(NEAR) do
    it(("takes %s for %s"):format(case[1], case[2]), function()
      assert.equal(case[2], text.nearest(case[1], KNOWN))
    end)
  end

  for _, name in ipairs { "colour", "x_y_z_unheard_of", "", ("payload"):rep(1000), "\0\0\0" } do
    it("takes " .. show(name) .. " for nothing", function()
      local nearest = text.nearest(name, { "product_key", "topic_full_name" })
      assert.is_nil(nearest)
    end)
  end

  it("does not depend on the order of the names", function()
    assert.equal("abc", text.nearest("abx", { "abd", "abc" }))
    assert.equal("abc", text.nearest("abx", { "abc", "abd" }))
  end)

  it("knows nothing where nothing is known", function()
    assert.is_nil(text.nearest("payload", {}))
  end)
end)
