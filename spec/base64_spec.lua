-- iotmsg.base64 against RFC 4648's own vectors and an encoder that works on strings of bits.

local base64 = require("iotmsg").base64
local random = require "spec.support.random"
local refused = require "spec.support.refusal"
local show = require "spec.support.show"

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function bits_of(byte)
  local bits = ""
  for power = 7, 0, -1 do
    bits = bits .. math.floor(byte / 2 ^ power) % 2 .. ""
  end
  return (bits:gsub("%.0", ""))
end

local function slow_encode(bytes)
  local bits = {}
  for i = 1, #bytes do bits[i] = bits_of(bytes:byte(i)) end
  local text = table.concat(bits):gsub("[01][01]?[01]?[01]?[01]?[01]?", function(sextet)
    local index = tonumber(sextet .. ("0"):rep(6 - #sextet), 2)
    return ALPHABET:sub(index + 1, index + 1)
  end)
  return text .. ("="):rep(-#text % 4)
end

describe("base64", function()
  local RFC = {
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
  }
  for _, vector in ipairs(RFC) do
    it(("agrees with RFC 4648 on %q"):format(vector[1]), function()
      assert.equal(vector[2], base64.encode(vector[1]))
      assert.equal(vector[1], base64.decode(vector[2]))
    end)
  end

  it("takes bytes of every length from 0 to 300 there and back", function()
    local draw = random.new(20240229)
    for len = 0, 300 do
      local bytes = random.bytes(draw, len)
      local text = base64.encode(bytes)
      assert.equal(slow_encode(bytes), text)
      assert.equal(bytes, base64.decode(text))
    end
  end)

  it("uses every character of the alphabet for its own six bits", function()
    assert.equal(slow_encode(assert(base64.decode(ALPHABET))), ALPHABET)
    assert.equal(ALPHABET, base64.encode(base64.decode(ALPHABET)))
  end)

  it("carries a megabyte", function()
    local bytes = random.bytes(random.new(7), 1000):rep(1049)
    assert.equal(bytes, base64.decode(base64.encode(bytes)))
  end)

  local ALPHABETIC = "alphabet"
  local MALFORMED = {
    { "Z", "multiple of 4" }, { "Zg", "multiple of 4" }, { "Zg=", "multiple of 4" }, { "Zm9vY", "multiple of 4" },
    { "=", "multiple of 4" }, { "Zm9v\n", "multiple of 4" }, { "Zm9vYmE", "multiple of 4" },
    { "====", ALPHABETIC }, { "Z===", ALPHABETIC }, { "=g==", ALPHABETIC }, { "Z=g=", ALPHABETIC },
    { "Zg==Zg==", ALPHABETIC }, { "Zg==Zm9v", ALPHABETIC }, { "Zm8=Zm9v", ALPHABETIC }, { "=Zm9", ALPHABETIC },
    { "Zm9vYm\r\n", ALPHABETIC }, { "Zm9\n", ALPHABETIC }, { " Zm9", ALPHABETIC }, { "Zm 9", ALPHABETIC },
    { "-_-_", ALPHABETIC }, { "Zm9-", ALPHABETIC }, { "Zm9_", ALPHABETIC }, { "Zm\0v", ALPHABETIC },
    { "Zm\2559", ALPHABETIC }, { "Zm9v%3D=", ALPHABETIC },
    { "Zh==", "padding" }, { "Zn==", "padding" }, { "Zm9=", "padding" }, { "Zm+=", "padding" },
  }
  for _, case in ipairs(MALFORMED) do
    it("refuses " .. show(case[1]), function()
      local bytes, err = base64.decode(case[1])
      refused(bytes, err, "text", "is not Base64", case[2])
    end)
  end

  it("accepts exactly one spelling of a last byte", function()
    local accepted = 0
    for i = 1, 64 do
      if base64.decode("Z" .. ALPHABET:sub(i, i) .. "==") then accepted = accepted + 1 end
    end
    assert.equal(4, accepted)
  end)

  it("refuses each byte that is not in the alphabet, wherever it stands", function()
    for byte = 0, 255 do
      local char = string.char(byte)
      if not ALPHABET:find(char, 1, true) then
        for at = 1, 8 do
          local text = "Zm9vYmFy"
          text = text:sub(1, at - 1) .. char .. text:sub(at + 1)
          if not (char == "=" and at == 8) then
            assert.is_nil(base64.decode(text), ("byte %d at %d"):format(byte, at))
          end
        end
      end
    end
  end)

  it("takes strings only", function()
    for _, value in ipairs { 1, true, {}, print } do
      local text, err = base64.encode(value)
      refused(text, err, "bytes", "must be a string, not " .. type(value))
      local bytes, decode_err = base64.decode(value)
      refused(bytes, decode_err, "text", "must be a string, not " .. type(value))
    end
    local text, err = base64.encode(nil)
    refused(text, err, "bytes", "must be a string, not nil")
  end)
end)
