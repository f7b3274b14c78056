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

-- product -> host, regions that have it
local ELSEWHERE = {
  OnsMqtt = { "onsmqtt.%s.aliyuncs.com", [[cn-qingdao cn-beijing cn-zhangjiakou cn-huhehaote cn-wulanchabu cn-hangzhou
    cn-shanghai cn-shenzhen cn-guangzhou cn-chengdu cn-hongkong cn-hangzhou-finance cn-shanghai-finance-1
    cn-shenzhen-finance-1 ap-northeast-1 ap-southeast-1 ap-southeast-3 ap-southeast-5 ap-southeast-6 eu-central-1
    eu-west-1 us-west-1 us-east-1 me-central-1 mq-internet-access]],
    near = { ["cn-hangzou"] = "cn-hangzhou", ["ap-southeast-2"] = "ap-southeast-" } },
  IoTDA = { "iotda.%s.myhuaweicloud.com", [[cn-north-4 cn-south-1 cn-south-4 cn-east-3 ap-southeast-1 ap-southeast-2
    ap-southeast-3 af-south-1 me-east-1 la-south-2 la-north-2 sa-brazil-1 ru-moscow-1]],
    near = { ["cn-north-1"] = "cn-north-4", ["ap-southeast-9"] = "ap-southeast-" } },
}

for product, known in pairs(ELSEWHERE) do
  describe("endpoint.resolve for " .. product, function()
    local function resolve(settings)
      settings.memo = {}
      return endpoint.resolve(settings, product)
    end

    for region in known[2]:gmatch("%S+") do
      it("knows " .. region, function()
        assert.equal("https://" .. known[1]:format(region), resolve { region = region }.url)
      end)
    end

    for region, near in pairs(known.near) do
      it(("names those near to %s, and all there are"):format(region), function()
        local resolved, err = resolve { region = region }
        refused(resolved, err, "region", ("%q"):format(region), "did you mean " .. near)
        for each in known[2]:gmatch("%S+") do assert.is_truthy(err.message:find(each, 1, true), each) end
      end)
    end

    it("knows no other service's regions", function()
      for _, region in ipairs { "mars-north-1", "CN-NORTH-4", "" } do
        local resolved, err = resolve { region = region }
        refused(resolved, err, "region", "it is in")
      end
    end)

    it("names what is missing where neither is given", function()
      local resolved, err = resolve {}
      refused(resolved, err, "endpoint", "endpoint or region",
        product == "IoTDA" and "IOTMSG_HUAWEI_ENDPOINT" or "IOTMSG_ENDPOINT")
    end)
  end)
end

describe("endpoint.resolve with hosts of one's own", function()
  for product, hosts in pairs {
    Iot = { "iot-vpc.cn-shenzhen.aliyuncs.com", "iot-vpc.us-west-1.aliyuncs.com",
      "iot-060a0ixx.mqtt.iothub.aliyuncs.com" },
    OnsMqtt = { "onsmqtt-vpc.cn-heyuan-acdr-1.aliyuncs.com" },
    IoTDA = { "a160fake00.st1.iotda-app.cn-north-4.myhuaweicloud.com",
      "a160fake00.st1.iotda-app.cn-north-4.myhuaweicloud.com:8443", "10.0.0.1:443" },
  } do
    for _, host in ipairs(hosts) do
      it(("takes %s for %s, whatever the region"):format(host, product), function()
        local resolved = assert(endpoint.resolve({ memo = {}, endpoint = host, region = "mars-north-1" }, product))
        assert.equal("https://" .. host:gsub(":443$", ""), resolved.url)
      end)
    end
  end

  it("takes one host for all products, or one for each", function()
    local settings = { memo = {}, endpoint = "http://127.0.0.1:1" }
    for _, product in ipairs { "Iot", "OnsMqtt", "Ecs" } do
      assert.equal("http://127.0.0.1:1", endpoint.resolve(settings, product).url)
    end
    settings = { memo = {}, endpoint = { Iot = "a", OnsMqtt = "b" } }
    assert.equal("https://a", endpoint.resolve(settings, "Iot").url)
    assert.equal("https://b", endpoint.resolve(settings, "OnsMqtt").url)
    local resolved, err = endpoint.resolve(settings, "Ecs")
    refused(resolved, err, "endpoint")
  end)
end)

describe("the region in a host", function()
  for host, region in pairs {
    ["a160fake00.st1.iotda-app.cn-north-4.myhuaweicloud.com"] = "cn-north-4",
    ["A160FAKE00.st1.iotda-app.CN-NORTH-4.myhuaweicloud.com"] = "cn-north-4",
    ["0-9.st-2.iotda-app.ap-southeast-1.myhuaweicloud.com:8443"] = "ap-southeast-1",
  } do
    it("is that of a dedicated instance: " .. host, function()
      local parsed = assert(endpoint.parse("endpoint", host))
      assert.equal(region, endpoint.dedicated_region(parsed))
      assert.equal(region, endpoint.iotda_region(parsed))
    end)
  end

  it("is that of a shared host", function()
    local parsed = assert(endpoint.parse("endpoint", "iotda.cn-south-1.myhuaweicloud.com"))
    assert.is_nil(endpoint.dedicated_region(parsed))
    assert.equal("cn-south-1", endpoint.iotda_region(parsed))
  end)

  for _, host in ipairs {
    "a.st1.iotda-device.cn-north-4.myhuaweicloud.com", "iotda-app.cn-north-4.myhuaweicloud.com",
    "a.iotda-app.cn-north-4.myhuaweicloud.com", "a.b.c.iotda-app.cn-north-4.myhuaweicloud.com",
    "a.st1.iotda-app.cn-north-4.example.com", "a.st1.iotda-app.cn-north-4.myhuaweicloud.com.example.com",
    "10.0.0.1", "iotda.example.com",
  } do
    it("is not in " .. host, function()
      assert.is_nil(endpoint.dedicated_region(assert(endpoint.parse("endpoint", host))))
    end)
  end
end)
