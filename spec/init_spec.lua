-- The public surface: what is there, what a slip of the program does, and that loading does nothing.

local child = require "spec.support.child"
local iotmsg = require "iotmsg"
local wire = require "spec.support.wire"

local GOOD = { product_key = "a1", topic_full_name = "/a1/d/user/get", payload = "x" }

describe("the module", function()
  for _, name in ipairs { "new", "configure", "pub", "async_rrpc", "send_message", "call", "start", "prepare", "poll",
    "wait_all", "drain", "pollable" } do
    it("has " .. name, function() assert.is_function(iotmsg[name]) end)
  end

  it("has the building blocks", function()
    assert.is_function(iotmsg.base64.encode)
    assert.is_function(iotmsg.base64.decode)
    assert.is_function(iotmsg.sign.aliyun_v1)
    assert.is_function(iotmsg.sign.aliyun_v3)
    assert.is_function(iotmsg.sign.huawei)
  end)

  for _, name in ipairs { "new", "configure", "send", "start", "prepare", "parse_status" } do
    it("has huawei." .. name, function() assert.is_function(iotmsg.huawei[name]) end)
  end

  it("has its version", function()
    assert.is_truthy(iotmsg._VERSION:find("^%d+%.%d+%.%d+"))
    assert.equal(require "iotmsg.version", iotmsg._VERSION)
  end)

  it("shows nothing else", function()
    local known = { _VERSION = true, base64 = true, sign = true, huawei = true }
    for name, value in pairs(iotmsg) do
      assert.is_true(known[name] or type(value) == "function", name)
    end
  end)

  it("sets no global", function()
    local output, ok = child.run([[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local iotmsg = require "iotmsg"
      assert(iotmsg.new {}):prepare("pub", {})
      for name in pairs(_G) do if not before[name] then print(name) end end]])
    assert.is_true(ok, output)
    assert.equal("", output)
  end)
end)

describe("a client", function()
  local client = assert(iotmsg.new(wire.options()))

  for _, name in ipairs { "pub", "start", "prepare" } do
    it("has " .. name, function() assert.is_function(client[name]) end)
  end

  it("prints without a secret", function()
    assert.is_nil(tostring(client):find("fake", 1, true))
  end)

  it("needs no options and no network to be made", function()
    local output, ok = child.run('print(type(require("iotmsg").new()), type(require("iotmsg").new {}))')
    assert.is_true(ok, output)
    assert.equal("table\ttable", output)
  end)
end)

describe("the module's own functions", function()
  it("use what configure said, until it says something else", function()
    local output, ok = child.run([[
      local iotmsg = require "iotmsg"
      local function host()
        return assert(iotmsg.prepare("pub", { product_key = "a1", topic_full_name = "/t", payload = "x" })).headers.host
      end
      local function options(endpoint) return { endpoint = endpoint, access_key_id = "i", access_key_secret = "s" } end
      print(iotmsg.configure(options "one.example"), host())
      print(iotmsg.configure(options "two.example"), host())
      local done, err = iotmsg.configure { endpoint = 5 }
      print(done, err.kind, err.field, host())]])
    assert.is_true(ok, output)
    assert.equal("true\tone.example\ntrue\ttwo.example\nnil\tinvalid_argument\tendpoint\ttwo.example", output)
  end)

  it("configure themselves from the environment at first use", function()
    local output, ok = child.run([[
      local iotmsg = require "iotmsg"
      local request = assert(iotmsg.prepare("pub", { product_key = "a1", topic_full_name = "/t", payload = "x",
        signature = "v1" }))
      print(request.headers.host, request.url:match("IotInstanceId=([^&]*)"),
        request.url:match("AccessKeyId=([^&]*)"))]],
      { env = { IOTMSG_ENDPOINT = "env.example:8443", IOTMSG_IOT_INSTANCE_ID = "iot-env",
        ALIBABA_CLOUD_ACCESS_KEY_ID = "env-id",
        ALIBABA_CLOUD_ACCESS_KEY_SECRET = "env-secret" } })
    assert.is_true(ok, output)
    assert.equal("env.example:8443\tiot-env\tenv-id", output)
  end)
end)

describe("a slip of the program raises", function()
  local client = assert(iotmsg.new(wire.options()))
  local SLIPS = {
    ["client.pub{}"] = { function() client.pub(GOOD) end, "client:pub" },
    ["client.start()"] = { function() client.start("pub", GOOD) end, "client:start" },
    ["client.prepare()"] = { function() client.prepare("pub", GOOD) end, "client:prepare" },
    ["client.pub()"] = { function() client.pub() end, "client:pub" },
    ["client:pub()"] = { function() client:pub() end, "one table" },
    ['client:pub("text")'] = { function() client:pub("text") end, "one table" },
    ['client:start("pub")'] = { function() client:start("pub") end, "one table" },
    ['client:prepare("pub")'] = { function() client:prepare("pub") end, "one table" },
    ["iotmsg.pub()"] = { function() iotmsg.pub() end, "one table" },
    ["iotmsg.pub(1)"] = { function() iotmsg.pub(1) end, "one table" },
    ['iotmsg.prepare("pub")'] = { function() iotmsg.prepare("pub") end, "one table" },
    ['client:start("pubb", {})'] = { function() client:start("pubb", GOOD) end, 'did you mean "pub"' },
    ["client:start({})"] = { function() client:start(GOOD) end, "no operation" },
    ["client:prepare(nil)"] = { function() client:prepare(nil, GOOD) end, "no operation" },
    ["on_done that is no function"] = { function() client:start("pub", GOOD, "done") end, "on_done" },
    ["poll with a string"] = { function() iotmsg.poll("1") end, "timeout_ms" },
    ["poll with NaN"] = { function() iotmsg.poll(0 / 0) end, "timeout_ms" },
    ["drain with a negative time"] = { function() iotmsg.drain(-1) end, "timeout_ms" },
  }
  for what, slip in pairs(SLIPS) do
    it(what, function()
      local ok, message = pcall(slip[1])
      assert.is_false(ok)
      assert.is_string(message)
      assert.is_truthy(message:find(slip[2], 1, true), message)
      assert.is_nil(message:find("attempt to", 1, true), message)
    end)
  end

  for _, method in ipairs { "pub", "start", "prepare" } do
    it(("client.%s, and the message names the caller's line"):format(method), function()
      local line = debug.getinfo(1, "l").currentline + 1
      local _, message = pcall(function() client[method]("pub", GOOD) return nil end)
      assert.is_truthy(message:find("init_spec.lua:" .. line, 1, true), message)
    end)
  end

  it("and data that is wrong does not", function()
    local res, err = client:pub { product_key = 1 }
    assert.is_nil(res)
    assert.equal("invalid_argument", err.kind)
  end)
end)

describe("loading and preparing", function()
  local COUNT = [[
    local stat = io.open("/proc/self/stat")
    local pid = stat:read("*n")
    stat:close()
    -- The least of several counts: popen may still hold the child's end of the pipe while the child looks.
    local function count(what)
      local least = math.huge
      for _ = 1, 5 do
        local pipe = io.popen(("ls /proc/%d/%s | wc -l"):format(pid, what))
        least = math.min(least, pipe:read("*n"))
        pipe:close()
      end
      return least
    end
    local function both() return count("task"), count("fd") end
    local tasks, descriptors = both()
    local function same(what)
      local t, d = both()
      if t ~= tasks then print(what, "threads", tasks, t) end
      if d ~= descriptors then print(what, "descriptors", descriptors, d) end
    end
    local iotmsg = require "iotmsg"
    same("require")
    local client = assert(iotmsg.new { access_key_id = "i", access_key_secret = "s", endpoint = "127.0.0.1:1" })
    same("new")
    assert(iotmsg.configure { access_key_id = "i", access_key_secret = "s", endpoint = "127.0.0.1:1" })
    same("configure")
    assert(client:prepare("pub", { product_key = "a1", topic_full_name = "/t", payload = "x" }))
    same("prepare")
    assert(not client:pub { product_key = "a1" })
    same("refusing")
    assert(iotmsg.poll(0) == 0 and iotmsg.drain(0))
    same("poll and drain of nothing")
    collectgarbage()
    assert(client:start("pub", { product_key = "a1", topic_full_name = "/t", payload = "x" }))
    local t, d = both()
    print(t > tasks and d > descriptors and "started" or "not seen")
    iotmsg.drain(5000)
  ]]

  it("start no thread and open no descriptor; the first send does", function()
    local output, ok = child.run(COUNT)
    assert.is_true(ok, output)
    assert.equal("started", output)
  end)

  it("write nothing", function()
    local output, ok = child.run('require "iotmsg"')
    assert.is_true(ok, output)
    assert.equal("", output)
  end)
end)
