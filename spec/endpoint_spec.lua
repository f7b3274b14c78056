-- Where a product is reached: what users write, and what regions have.

local endpoint = require "iotmsg.endpoint"
local refused = require "spec.support.refusal"
local show = require "spec.support.show"

describe("endpoint.parse", function()
  local GOOD = {
    { "iot.cn-shanghai.aliyuncs.com", "https", "iot.cn-shanghai.aliyuncs.com" },
    { "IOT.CN-Shanghai.AliyunCS.com", "https", "iot.cn-shanghai.aliyuncs.com" },
    { "https://iot.cn-shanghai.aliyuncs.com", "https", "iot.cn-shanghai.aliyuncs.com" },
    { "https://iot.cn-shanghai.aliyuncs.com/", "https", "iot.cn-shanghai.aliyuncs.com" },
    { "HTTPS://h", "https", "h" }, { "h:8443", "https", "h:8443" }, { "https://h:443", "https", "h" },
    { "http://h", "http", "h" }, { "http://h:80/", "http", "h" }, { "http://h:443", "http", "h:443" },
    { "https://h:80", "https", "h:80" }, { "127.0.0.1:1", "https", "127.0.0.1:1" }, { "https://127.0.0.1", "https",
      "127.0.0.1" },
    { "https://[::1]:8443", "https", "[::1]:8443" }, { "[FE80::1]", "https", "[fe80::1]" }, { "h:65535", "https",
      "h:65535" },
    { "my_host.example", "https", "my_host.example" },
  }
  for _, case in ipairs(GOOD) do
    it("reads " .. case[1], function()
      local parsed = assert(endpoint.parse("endpoint", case[1]))
      assert.equal(case[2], parsed.scheme)
      assert.equal(case[3], parsed.authority)
      assert.equal(case[2] .. "://" .. case[3], parsed.url)
    end)
  end

  for _, bad in ipairs {
    "", " ", "https://", "https:///", "h/path", "https://h/path", "https://h//", "h?x=1", "h#x", "https://user@h",
      "user:pw@h",
    "h:", "h:x", "h:65536", "h:99999999999999999999", "h:1:2", "h h", " h", "h ", "h\n", "h\r\nx: y", "h\0", "h%41",
      "[::1", "::1",
    "[::1]x", "https://h:-1", "h\\x", "é.example", "h:0",
  } do
    it("refuses " .. show(bad), function()
      local parsed, err = endpoint.parse("endpoint", bad)
      refused(parsed, err, "endpoint", "must be a host as the console shows it, or a base URL")
    end)
  end

  for _, scheme in ipairs { "ftp", "ws", "mqtt", "file" } do
    it("refuses " .. scheme, function()
      local parsed, err = endpoint.parse("endpoint", scheme .. "://h")
      refused(parsed, err, "endpoint", "must be https or http, not " .. scheme)
    end)
  end
end)

describe("endpoint.resolve", function()
  local function resolve(settings)
    settings.memo = {}
    return endpoint.resolve(settings, "Iot")
  end

  for _, region in ipairs { "cn-shanghai", "ap-southeast-1", "ap-northeast-1", "us-west-1", "us-east-1", "eu-central-1",
    "cn-beijing", "cn-shenzhen" } do
    it("knows " .. region, function()
      assert.equal(("https://iot.%s.aliyuncs.com"):format(region), resolve { region = region }.url)
    end)
  end

  it("names the regions that have the service and the nearest of them", function()
    local resolved, err = resolve { region = "cn-shangai" }
    refused(resolved, err, "region", '"cn-shangai"', "did you mean cn-shanghai?", "eu-central-1")
    resolved, err = resolve { region = "mars-north-1" }
    refused(resolved, err, "region", "cn-shanghai, cn-beijing")
  end)

  it("prefers an endpoint to a region", function()
    assert.equal("https://h", resolve { endpoint = "h", region = "mars-north-1" }.url)
  end)

  it("takes the product's own of several endpoints", function()
    assert.equal("https://a", resolve { endpoint = { Iot = "a", OnsMqtt = "b" } }.url)
    assert.equal("https://iot.cn-beijing.aliyuncs.com", resolve { endpoint = { OnsMqtt = "b" },
      region = "cn-beijing" }.url)
  end)

  it("names both options and both variables where neither is given", function()
    for _, settings in ipairs { {}, { endpoint = { OnsMqtt = "b" } } } do
      local resolved, err = resolve(settings)
      refused(resolved, err, "endpoint", "endpoint or region", "IOTMSG_ENDPOINT", "ALIBABA_CLOUD_REGION_ID")
    end
  end)

  it("says the same each time it is asked", function()
    local settings = { memo = {}, endpoint = "h/path" }
    local _, first = endpoint.resolve(settings, "Iot")
    local _, second = endpoint.resolve(settings, "Iot")
    assert.equal(first.message, second.message)
    settings = { memo = {}, endpoint = "h" }
    assert.same(endpoint.resolve(settings, "Iot"), endpoint.resolve(settings, "Iot"))
  end)
end)
