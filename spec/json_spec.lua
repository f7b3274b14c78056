-- JSON both ways: exact or refused when encoding; long integers exact when decoding, and nothing else changed.

local cjson = require "cjson"
local json = require "iotmsg.json"
local random = require "spec.support.random"
local show = require "spec.support.show"

local NAN = 0 / 0

describe("json.encode", function()
  local GOOD = {
    { "text", '"text"' }, { "", '""' }, { true, "true" }, { false, "false" }, { cjson.null, "null" },
    { 0, "0" }, { -0.0, "0" }, { 1, "1" }, { 1.0, "1" }, { -1, "-1" }, { 1e3, "1000" }, { 123456789012345,
      "123456789012345" },
    { 2 ^ 53, "9007199254740992" }, { -2 ^ 53, "-9007199254740992" }, { 9007199254740991, "9007199254740991" },
    { 1e15, "1000000000000000" }, { 0.5, "0.5" }, { 0.1, "0.1" }, { -1.25, "-1.25" },
    { "a\"b\\c", '"a\\"b\\\\c"' }, { "\n\r\t", '"\\n\\r\\t"' }, { "\0\1\31\127", '"\\u0000\\u0001\\u001f\\u007f"' },
    { "你好 😀", '"你好 😀"' }, { "/", '"/"' },
    { {}, "{}" }, { { 1, 2, 3 }, "[1,2,3]" }, { { "a", { b = { true } } }, '["a",{"b":[true]}]' },
    { { b = 1, a = 2, B = 3, _ = 4, ["a b"] = 5, a1 = 6 }, '{"B":3,"_":4,"a":2,"a b":5,"a1":6,"b":1}' },
    { { ["\n\""] = 1 }, '{"\\n\\"":1}' }, { { a = cjson.null }, '{"a":null}' },
  }
  for _, case in ipairs(GOOD) do
    it("gives " .. case[2]:gsub("[^\32-\126]", "?"), function()
      assert.equal(case[2], json.encode(case[1], "payload"))
    end)
  end

  it("sorts keys by byte, however many and however they were added", function()
    local forth, back, expected = {}, {}, {}
    for i = 1, 200 do forth[("k%03d"):format(i)] = i end
    for i = 200, 1, -1 do back[("k%03d"):format(i)] = i end
    for i = 1, 200 do expected[i] = ('"k%03d":%d'):format(i, i) end
    assert.equal("{" .. table.concat(expected, ",") .. "}", json.encode(forth, "payload"))
    assert.equal(json.encode(forth, "payload"), json.encode(back, "payload"))
  end)

  it("writes numbers that read back as the same number", function()
    local draw = random.new(53)
    for _ = 1, 5000 do
      local value = (draw(2 ^ 30) + draw(2 ^ 23) / 2 ^ 23) * 10 ^ (draw(60) - 30) * (draw(2) * 2 - 3)
      if value == math.floor(value) and math.abs(value) < 1e21 then value = value / 2 ^ 60 end
      local text = json.encode(value, "payload")
      assert.equal(value, tonumber(text))
      assert.is_truthy(text:find("^-?%d+%.?%d*e?[+-]?%d*$"), text)
    end
    for _, value in ipairs { 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1 / 3, 1e21, 1e300 } do
      assert.equal(value, tonumber((json.encode(value, "payload"))))
    end
  end)

  local tointeger = rawget(math, "tointeger")
  if tointeger then -- integers of 64 bits, where the Lua has them
    it("writes 64-bit integers exactly", function()
      for _, text in ipairs { "889455942124347329", "9223372036854775807", "-9223372036854775808",
        "9007199254740993" } do
        assert.equal(text, json.encode(tointeger(tonumber(text)), "payload"))
      end
    end)
  end

  it("writes the same bytes for the whole numbers that every Lua can hold exactly", function()
    for _, value in ipairs { 999999999999999, 100000000000000, 4503599627370497, -9007199254740991 } do
      assert.equal(("%d"):format(value), json.encode(value, "payload"))
      assert.equal(("%d"):format(value), json.encode(value * 1.0, "payload"))
    end
  end)

  local cycle = { name = "cycle" }
  cycle.self = cycle
  local deep = {}
  for _ = 1, 200 do deep = { deep } end
  local BAD = {
    { NAN, "payload" }, { math.huge, "payload" }, { -math.huge, "payload" },
    { { a = { b = { 1, NAN } } }, "payload.a.b[2]" }, { { 1, { x = math.huge } }, "payload[2].x" },
    { "\255", "payload", "UTF-8" }, { { text = "\192\128" }, "payload.text", "UTF-8" },
    { { ["\255"] = 1 }, "payload", "UTF-8" },
    { { 1, nil, 3 }, "payload", "holes" }, { { a = { [2] = 1 } }, "payload.a", "holes" },
    { { [0] = 1 }, "payload", "holes" }, { { 1, 2, [1.5] = 3 }, "payload", "holes" }, { { [-1] = 1 }, "payload",
      "holes" },
    { { 1, a = 2 }, "payload", "mixes" }, { { { list = { "x", y = 1 } } }, "payload[1].list", "mixes" },
    { { [true] = 1 }, "payload", "key" }, { { [{}] = 1 }, "payload", "key" },
    { { f = print }, "payload.f", "function" }, { { co = coroutine.create(function() end) }, "payload.co", "thread" },
    { { file = io.stdout }, "payload.file", "userdata" }, { print, "payload", "function" },
    { cycle, "payload.self.self", "nested" }, { deep, "payload[1][1]", "nested" },
  }
  for i, case in ipairs(BAD) do
    it(("refuses bad value %d (%s) at %s"):format(i, show(case[1]), case[2]), function()
      local text, path, what = json.encode(case[1], "payload")
      assert.is_nil(text)
      if case[3] == "nested" then
        assert.equal(case[2], path:sub(1, #case[2]))
      else
        assert.equal(case[2], path)
      end
      assert.is_string(what)
      if case[3] then assert.is_truthy(what:find(case[3], 1, true), what) end
    end)
  end

  it("takes what is nested as deep as it says, and leaves the value alone", function()
    local value = "x"
    for _ = 1, 100 do value = { value } end
    assert.equal(("["):rep(100) .. '"x"' .. ("]"):rep(100), json.encode(value, "payload"))
  end)

  it("is not moved by another module's settings of cjson", function()
    cjson.encode_number_precision(3)
    assert.equal("123456789012345", json.encode(123456789012345, "payload"))
    cjson.encode_number_precision(14)
  end)
end)

describe("json.decode", function()
  local IDS = {
    "889455942124347329", "9007199254740993", "-889455942124347329", "123456789012345", "-123456789012345",
    "18446744073709551616", "999999999999999999999999999999",
  }
  for _, id in ipairs(IDS) do
    it("keeps " .. id .. " exact", function()
      assert.equal(id, json.decode('{"MessageId":' .. id .. "}").MessageId)
      assert.equal(id, json.decode('{"MessageId":"' .. id .. '"}').MessageId)
      assert.equal(id, json.decode('{ "a" : [ { "b" : [ ' .. id .. " ] } ] }").a[1].b[1])
      assert.equal(id, json.decode("[" .. id .. "\n]")[1])
      assert.equal(id, json.decode("[1," .. id .. "," .. id .. "]")[3])
      assert.equal('"' .. id .. " : " .. id, json.decode('["\\"' .. id .. " : " .. id .. '"]')[1])
      assert.equal("\\" .. id, json.decode('["\\\\' .. id .. '",' .. id .. "]")[1])
      assert.equal(1, json.decode('{"' .. id .. '":1}')[id])
    end)
  end

  for _, number in ipairs { "12345678901234", "-12345678901234", "0", "1.5", "123456789012345.5",
    "0.123456789012345678",
    "1e15", "123456789012345e2", "123456789012345E-2", "-0.000000000000000001", "1234567890.12345678" } do
    it("leaves " .. number .. " a number", function()
      assert.equal(tonumber(number), json.decode("[" .. number .. "]")[1])
    end)
  end

  it("gives short whole numbers that print the same on every Lua", function()
    local value = json.decode('{"a":200,"b":[0,-7],"c":12345678901234}')
    assert.equal("200", tostring(value.a))
    assert.equal("0", tostring(value.b[1]))
    assert.equal("-7", tostring(value.b[2]))
    assert.equal("12345678901234", tostring(value.c))
  end)

  it("has null absent, on every level", function()
    assert.same({ b = { c = 1 }, d = {} }, json.decode('{"a":null,"b":{"c":1,"x":null},"d":{"y":null}}'))
    local list = json.decode("[1,null,3]")
    assert.equal(1, list[1])
    assert.is_nil(list[2])
    assert.equal(3, list[3])
  end)

  for _, text in ipairs { "", " ", "{", "[1", '{"a":1', '{"a":}', '{"a" 1}', "nothing", "<html></html>", '{"a":1}x',
    "1",
    '"text"', "true", "null", "123456789012345678", '{"a":"\\u12"}', "\0" } do
    it("gives nothing for " .. show(text), function()
      assert.is_nil(json.decode(text))
    end)
  end

  it("gives nothing for what is nested beyond reason", function()
    assert.is_nil(json.decode(("["):rep(200000)))
    assert.is_nil(json.decode(("["):rep(5000) .. ("]"):rep(5000)))
  end)

  it("is not moved by another module's settings of cjson", function()
    cjson.decode_max_depth(1)
    local value = json.decode('{"a":{"b":{"c":889455942124347329}}}')
    cjson.decode_max_depth(1000)
    assert.equal("889455942124347329", value.a.b.c)
  end)
end)

-- A document of chance: its text, and the value that it stands for.
local function generator(draw)
  local BLANKS = { "", "", "", " ", "\n", "\t", "\r\n", "  " }
  local PIECES = {
    { "a", "a" }, { "123456789012345678", "123456789012345678" }, { '\\"', '"' }, { "\\\\", "\\" }, { "\\/", "/" },
    { "\\n", "\n" }, { "\\u0041", "A" }, { "\\u4f60", "你" }, { "你好", "你好" }, { "\\ud83d\\ude00", "😀" },
    { ":", ":" }, { ",", "," }, { "[", "[" }, { "}", "}" }, { "-", "-" }, { " ", " " }, { "null", "null" },
  }
  local function blank() return BLANKS[draw(#BLANKS)] end
  local function digits(count)
    local text = tostring(draw(9))
    for _ = 2, count do text = text .. draw(10) - 1 end
    return text
  end
  local function text()
    local raw, value = {}, {}
    for i = 1, draw(5) - 1 do
      local piece = PIECES[draw(#PIECES)]
      raw[i], value[i] = piece[1], piece[2]
    end
    return '"' .. table.concat(raw) .. '"', table.concat(value)
  end
  local function integer()
    local raw = (draw(2) == 1 and "-" or "") .. digits(draw(25))
    if #raw:gsub("-", "") >= 15 then return raw, raw end
    return raw, tonumber(raw)
  end
  local function fraction()
    local raw = (draw(2) == 1 and "-" or "") .. (draw(3) == 1 and "0" or digits(draw(20)))
    local form = draw(3)
    if form ~= 2 then raw = raw .. "." .. digits(draw(20)) end
    if form ~= 1 then
      local sign = { "", "+", "-" }
      raw = raw .. (draw(2) == 1 and "e" or "E") .. sign[draw(3)] .. draw(20)
    end
    return raw, tonumber(raw)
  end
  local value
  local function array(depth)
    local raw, list = {}, {}
    for i = 1, draw(5) - 1 do raw[i], list[i] = value(depth) end
    return "[" .. blank() .. table.concat(raw, blank() .. "," .. blank()) .. blank() .. "]", list
  end
  local function object(depth)
    local raw, map = {}, {}
    for _ = 1, draw(5) - 1 do
      local raw_name, name = text()
      if map[name] == nil then
        local raw_item
        raw_item, map[name] = value(depth)
        raw[#raw + 1] = raw_name .. blank() .. ":" .. blank() .. raw_item
      end
    end
    return "{" .. blank() .. table.concat(raw, blank() .. "," .. blank()) .. blank() .. "}", map
  end
  local function boolean()
    local chosen = draw(2) == 1
    return tostring(chosen), chosen
  end
  local KINDS = { text, integer, integer, fraction, boolean, array, object }
  function value(depth)
    return KINDS[draw(depth > 0 and #KINDS or 5)](depth - 1)
  end
  return function()
    local raw, expected
    if draw(2) == 1 then raw, expected = array(4) else raw, expected = object(4) end
    return blank() .. raw .. blank(), expected
  end
end

local function differs(expected, got, path)
  if type(expected) ~= "table" or type(got) ~= "table" then
    if expected == got then return end
    return ("%s: %s expected, got %s"):format(path, show(expected), show(got))
  end
  for key, item in pairs(expected) do
    local difference = differs(item, got[key], path .. "." .. tostring(key))
    if difference then return difference end
  end
  for key in pairs(got) do
    if expected[key] == nil then return path .. "." .. tostring(key) .. ": too much" end
  end
end

describe("json.decode on generated documents", function()
  it("gives integers of 15 digits and more as exact strings and changes nothing else", function()
    local document = generator(random.new(889455))
    local long = 0
    for i = 1, 5000 do
      local raw, expected = document()
      local got = json.decode(raw)
      local difference = differs(expected, got, "document " .. i)
      assert.is_nil(difference, tostring(difference) .. "\n" .. raw)
      if raw:find("[^%d.\"]%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d") then long = long + 1 end
    end
    assert.is_true(long > 500, "too few documents with a long integer: " .. long)
  end)

  it("never throws, whatever is done to a document", function()
    local draw = random.new(4711)
    local document = generator(draw)
    for _ = 1, 3000 do
      local raw = document()
      local at = draw(#raw)
      local byte = string.char(draw(256) - 1)
      local damage = { raw:sub(1, at), raw:sub(1, at - 1) .. byte .. raw:sub(at + 1), raw:sub(at) }
      for _, text in ipairs(damage) do
        local value = json.decode(text)
        assert.is_true(value == nil or type(value) == "table")
      end
    end
  end)
end)
