-- call: any RPC-style action. How tables become parameters, what is refused, and that nothing is lost on the way.

local call = require "iotmsg.operation.call"
local iotmsg = require "iotmsg"
local refused = require "spec.support.refusal"
local rpc_case = require "spec.support.rpc_case"
local show = require "spec.support.show"
local values = require "spec.support.values"
local wire = require "spec.support.wire"

local case = rpc_case.new("call", "iot.cn-shanghai.aliyuncs.com", { product = "Iot", version = "2018-01-20",
  action = "QueryProductTopic" })
local nothing = values.NOTHING

local function nested(levels)
  local value = "x"
  for _ = 1, levels do value = { value } end
  return value
end

local cycle = {}
cycle.again = cycle

-- { what a caller writes, what stands on the wire }
local FLAT = {
  { {}, {} }, { { ProductKey = "a1" }, { ProductKey = "a1" } }, { { Empty = "" }, { Empty = "" } },
  { { N = 1, F = 1.0, Zero = 0, Minus = -0.0, Low = -5 }, { N = "1", F = "1", Zero = "0", Minus = "0", Low = "-5" } },
  { { Half = 0.5, Tenth = 0.1, Third = -2.25 }, { Half = "0.5", Tenth = "0.1", Third = "-2.25" } },
  { { Big = 2 ^ 53 }, { Big = "9007199254740992" } }, { { Yes = true, No = false }, { Yes = "true", No = "false" } },
  { { Id = "889455942124347329" }, { Id = "889455942124347329" } },
  { { Text = "é 你&=+%~*'()!\r\n" }, { Text = "é 你&=+%~*'()!\r\n" } },
  { { DeviceName = { "a", "b" } }, { ["DeviceName.1"] = "a", ["DeviceName.2"] = "b" } },
  { { Tag = { { Key = "k", Value = 1 }, { Key = "l", Value = true } } },
    { ["Tag.1.Key"] = "k", ["Tag.1.Value"] = "1", ["Tag.2.Key"] = "l", ["Tag.2.Value"] = "true" } },
  { { A = { B = { C = { "x" } } } }, { ["A.B.C.1"] = "x" } },
  { { A = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10" } }, { ["A.1"] = "1", ["A.2"] = "2", ["A.3"] = "3",
    ["A.4"] = "4", ["A.5"] = "5", ["A.6"] = "6", ["A.7"] = "7", ["A.8"] = "8", ["A.9"] = "9", ["A.10"] = "10" } },
}

-- { what a caller writes, words, where }
local NOT_FLAT = {
  { "a=b", "must be a table, not a string", "" }, { 1, "must be a table, not a number", "" },
  { true, "must be a table", "" }, { nothing, "must be a table", "" },
  { { A = nothing }, "must be a string, a number, a boolean or a table", ".A" },
  { { A = 0 / 0 }, "not a number", ".A" }, { { A = math.huge }, "not a number", ".A" },
  { { A = { B = { 1, -math.huge } } }, "not a number", ".A.B.2" }, { { A = 1e300 }, "2^53", ".A" },
  { { A = "\255" }, "UTF-8", ".A" }, { { A = { "x", "\237\160\128" } }, "UTF-8", ".A.2" },
  { { A = { [0] = "x" } }, "neither a name nor an index", ".A" },
  { { A = { [1.5] = "x" } }, "neither a name nor an index", ".A" },
  { { A = { [true] = "x" } }, "neither a name nor an index", ".A" },
}

describe("call", function()
  it("names action, version and product's host", function()
    for _, product in ipairs { "Iot", "OnsMqtt" } do
      local client = assert(iotmsg.new(wire.options { endpoint = false, region = "cn-shanghai" }))
      local request = assert(client:prepare("call", { product = product, version = "2099-12-31", action = "DoThis" }))
      assert.equal("DoThis", request.headers["x-acs-action"])
      assert.equal("2099-12-31", request.headers["x-acs-version"])
      assert.equal(product:lower() .. ".cn-shanghai.aliyuncs.com", request.headers.host)
    end
    local _, common = wire.v1_query(assert(case.clients.v1:prepare("call", case:params())))
    assert.equal("QueryProductTopic", common.Action)
    assert.equal("2018-01-20", common.Version)
  end)

  for _, place in ipairs { "params", "form" } do
    describe(place, function()
      for i, flat in ipairs(FLAT) do
        it(("flattens table %d"):format(i), function()
          case:on_wire(case:params({ [place] = flat[1] }, true), place == "params" and flat[2] or {},
            place == "form" and flat[2] or {})
        end)
      end

      for i, bad in ipairs(NOT_FLAT) do
        it(("refuses value %d: %s"):format(i, show(bad[1])), function()
          case:refused(case:params { [place] = bad[1] }, place .. bad[3], bad[2])
        end)
      end

      it("is not nested without end", function()
        assert(case.clients.v3:prepare("call", case:params { [place] = { A = nested(15) } }))
        for _, value in ipairs { { A = nested(50) }, cycle } do
          local request, err = case.clients.v3:prepare("call", case:params { [place] = value })
          assert.is_nil(request)
          assert.equal("invalid_argument", err.kind)
          assert.is_truthy(err.message:find("nested deeper", 1, true))
        end
      end)

      it("is read whole before the call returns", function()
        local own = case:params({ [place] = { A = { "x" } } }, true)
        local request = assert(case.clients.v3:prepare("call", own))
        local line = request:curl { reveal = true }
        own[place].A[1] = "changed"
        assert.equal(line, request:curl { reveal = true })
        assert.same({ A = { "changed" } }, own[place])
      end)

      it("drops nothing where two names flatten to one", function()
        local own = case:params { [place] = { ["A.1"] = "x", A = { "y" } } }
        local request, err = case.clients.v3:prepare("call", own)
        assert.is_nil(request, "one of two values was dropped silently")
        assert.equal("invalid_argument", err.kind)
      end)
    end)
  end

  if math.type then -- luacheck: ignore 143
    it("keeps 64-bit integers whole", function()
      local biggest = tonumber("9223372036854775807")
      case:on_wire(case:params({ params = { Id = biggest } }, true), { Id = "9223372036854775807" }, {})
    end)
  end

  it("carries query and form beside each other", function()
    case:on_wire(case:params({ params = { A = { 1 } }, form = { B = { 2 } } }, true), { ["A.1"] = "1" },
      { ["B.1"] = "2" })
  end)

  it("leaves a RegionId of the action's own alone", function()
    for _, region in ipairs { false, "cn-beijing" } do
      local own = case:params({ params = { RegionId = "cn-hangzhou" }, region = region, endpoint = "h" }, true)
      for _, client in pairs(case.clients) do
        assert.equal("cn-hangzhou", wire.query(assert(client:prepare("call", own))).RegionId)
      end
    end
  end)

  for name, bad in pairs {
    product = values.text(128, values.each("product code", "I o t", "a/b", "é")),
    version = values.join(values.NOT_TEXT, values.each("must be a date such as 2018-01-20", "2018-1-20", "20180120",
      "2018-01-20T00", "x2018-01-20")),
    action = values.text(128, values.each("name of an action", "Query Topic", "a.b", "a-b", "é")),
  } do
    describe(name, function()
      for i, value in ipairs(bad) do
        it(("refuses value %d: %s"):format(i, show(value[1])), function()
          case:refused(case:params { [name] = value[1] }, name, value[2])
        end)
      end

      it("is required", function()
        local own = case:params()
        own[name] = nil
        case:refused(own, name, "is required")
      end)
    end)
  end

  it("wants an endpoint for products whose hosts it does not know", function()
    local client = assert(iotmsg.new(wire.options { endpoint = false, region = "cn-hangzhou" }))
    local own = { product = "Ecs", version = "2014-05-26", action = "DescribeRegions" }
    local request, err = client:prepare("call", own)
    refused(request, err, "endpoint", "Ecs")
    own.endpoint = "ecs.aliyuncs.com"
    assert.equal("ecs.aliyuncs.com", assert(client:prepare("call", own)).headers.host)
  end)

  for name, nearest in pairs { Action = "action", parms = "params", Version = "version", Product = "product" } do
    it(("suggests %s for %s"):format(nearest, name), function()
      case:refused(case:params { [name] = "x" }, name, ('did you mean "%s"?'):format(nearest))
    end)
  end

  it("gives the same bytes for the same time and nonce", function()
    for _, client in pairs(case.clients) do
      local own = case:params({ params = { B = { 1, 2 }, A = { c = 1, d = 2 } }, form = { Z = "z" } }, true)
      assert.same(client:prepare("call", own), client:prepare("call", own))
    end
  end)

  it("brings what the action answers", function()
    local res = assert(call.parse { status = 200, head = "HTTP/1.1 200 OK\r\n\r\n",
      body = '{"RequestId":"R","Success":true,"Data":{"Id":889455942124347329,"None":null}}' })
    assert.same({ Id = "889455942124347329" }, res.body.Data)
    assert.is_nil(res.message_id)
    assert.equal("889455942124347329", call.parse({ status = 200, head = "", body =
      '{"RequestId":"R","MessageId":889455942124347329}' }).message_id)
    local none, err = call.parse { status = 404, head = "HTTP/1.1 404 X\r\n\r\n",
      body = '{"RequestId":"R","Code":"InvalidApi.NotFound","Message":"no"}' }
    assert.is_nil(none)
    assert.same({ "refused", "rejected", "InvalidApi.NotFound" }, { err.kind, err.outcome, err.code })
  end)
end)
