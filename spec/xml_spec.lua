-- The gateway's XML becomes the table that its JSON would give.

local json = require "iotmsg.json"
local xml = require "iotmsg.xml"
local random = require "spec.support.random"
local show = require "spec.support.show"

local HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

describe("xml.decode", function()
  it("reads the vendor's success", function()
    local value, root = xml.decode(HEAD .. [[
<PubResponse>
  <RequestId>BB71E443-4447-4024-A000-EDE09922891E</RequestId>
  <Success>true</Success>
  <MessageId>889455942124347329</MessageId>
</PubResponse>
]])
    assert.equal("PubResponse", root)
    assert.same({
      RequestId = "BB71E443-4447-4024-A000-EDE09922891E", Success = true, MessageId = "889455942124347329",
    }, value)
  end)

  local PAIRS = {
    { "<r><Code>iot.prod.NullProductKey</Code><Success>false</Success></r>",
      '{"Code":"iot.prod.NullProductKey","Success":false}' },
    { "<r><a><b>1</b></a></r>", '{"a":{"b":1}}' },
    { "<r><List><Item>a</Item><Item>b</Item><Item>c</Item></List></r>", '{"List":{"Item":["a","b","c"]}}' },
    { "<r><I><K>1</K></I><I><K>2</K></I><I><K>3</K></I></r>", '{"I":[{"K":1},{"K":2},{"K":3}]}' },
    { "<r><f>false</f><f>true</f><n>0</n><m>-5</m></r>", '{"f":[false,true],"n":0,"m":-5}' },
    { "<r><n>12345678901234</n><i>123456789012345</i><j>-889455942124347329</j></r>",
      '{"n":12345678901234,"i":123456789012345,"j":-889455942124347329}' },
    { "<r><e></e><f/><g />" .. "</r>", '{"e":"","f":"","g":""}' },
    { "<r><z>007</z><y>1.50</y><x>1e3</x><w>-0</w></r>", '{"z":"007","y":"1.50","x":"1e3","w":"-0"}' },
    { "<r><t> a  b </t></r>", '{"t":" a  b "}' },
    { "<r><m>&lt;a&gt; &amp;amp; &quot;q&quot; &apos;</m></r>", '{"m":"<a> &amp; \\"q\\" \'"}' },
    { "<r><m>&#20320;&#x597d;&#x1F600;&#65;</m></r>", '{"m":"你好😀A"}' },
    { "<r><m><![CDATA[<a> & ]] > </b>]]></m></r>", '{"m":"<a> & ]] > </b>"}' },
    { "<r><m>a<![CDATA[b]]>c<!-- no -->d</m></r>", '{"m":"abcd"}' },
    { '<r xmlns="urn:x" version="1"><a kind="b">c</a></r>', '{"a":"c"}' },
    { "<r><a-b.c_d:e>1</a-b.c_d:e></r>", '{"a-b.c_d:e":1}' },
    { "\n  <r>\r\n<a>1</a>\r\n</r >\n", '{"a":1}' },
    { "<r><!-- a comment --><a>1</a><!-- <b>2</b> --></r>", '{"a":1}' },
  }
  for _, pair in ipairs(PAIRS) do
    it("reads " .. show(pair[1]), function()
      local value = xml.decode(pair[1])
      assert.same(json.decode(pair[2]), value)
      assert.same(json.decode(pair[2]), (xml.decode(HEAD .. pair[1])))
    end)
  end

  for _, text in ipairs {
    "", "text", "{}", "<", "<r", "<r>", "<r></r", "<r><a></r>", "<r><a></b></r>", "<r></a>", "<r>text</r>", "<r>1</r>",
    "<r><a>1</a></r>x", "<r><a>1</a></r><s/>", "<r><a><![CDATA[x</a></r>", "<r><!-- x</r>",
      "<!DOCTYPE html><html></html>",
    "<r><a>1", "</r>", "<r/>", "<r><></></r>", "<r><a>1 < 2</a></r>",
  } do
    it("gives nothing for " .. show(text), function()
      assert.is_nil((xml.decode(text)))
    end)
  end

  it("gives nothing for what is nested beyond reason", function()
    assert.is_nil((xml.decode(("<a>"):rep(100000))))
    assert.is_nil((xml.decode(("<a>"):rep(60) .. "<b>1</b>" .. ("</a>"):rep(60))))
  end)

  for _, reference in ipairs {
    "&#xD800;", "&#57343;", "&#x110000;", "&#99999999999999999999;", "&#xFFFFFFFFFFFFFFFF;", "&#x8000000000000041;",
    "&#x10000000000000041;",
  } do
    it("puts the replacement character for " .. reference, function()
      assert.equal("\239\191\189", xml.decode("<r><a>" .. reference .. "</a></r>").a)
    end)
  end

  it("leaves alone what is no reference", function()
    assert.equal("&nbsp; & &; &#; &#x;", xml.decode("<r><a>&nbsp; & &; &#; &#x;</a></r>").a)
  end)

  it("never throws, whatever is done to a document", function()
    local draw = random.new(99)
    local document = HEAD .. "<r a='b'><a>1</a><b>&#x597d;</b><c><![CDATA[x]]></c><!-- d --><e><f/>g</e></r>"
    for _ = 1, 5000 do
      local at, byte = draw(#document), string.char(draw(256) - 1)
      for _, text in ipairs { document:sub(1, at), document:sub(at),
        document:sub(1, at - 1) .. byte .. document:sub(at + 1) } do
        local value = xml.decode(text)
        assert.is_true(value == nil or type(value) == "table")
      end
    end
  end)
end)
