-- The emulator as a program: what it starts, what it leaves behind, what it says when it cannot run.

local cqueues = require "cqueues"

local client = require "spec.support.rpc_client"
local device = require "spec.support.device"
local huawei = require "spec.support.huawei_client"
local process = require "spec.support.process"
local start_emulator = require("spec.support.emulator").start

local QUERY = { ProductKey = "a1FakePk000", TopicFullName = "/a1FakePk000/device1/user/get", Qos = "1" }
local FORM = { MessageContent = "aGVsbG8=" }

local function exists(path)
  local file = io.open(path, "r")
  if file then
    file:close()
  end
  return file ~= nil
end

local function can_connect(host, port)
  local words = ("mosquitto_pub -V 5 -h %s -p %d -t x -n 2>/dev/null; echo $?"):format(host, port)
  return process.output_of(words) == "0"
end

local function gone(emulator)
  return process:wait_until(function()
    return not can_connect(emulator.mqtt_host, emulator.mqtt_port) and not exists(emulator.ca_file)
  end, 10)
end

local function run_and_fail(words)
  local child = process.start({
    process.interpreter(), "-e", "os.exit(require('iotmsg.emulator').main({" .. words .. "}))",
  })
  process:wait_until(function()
    return not child:alive()
  end, 20)
  local status = child:stop()
  return status, child:errors(), child.buffer
end

-- All at once, since each takes the time the emulator has patience.
local function refused_without_a_broker(emulator)
  local queue, codes = cqueues.new(), {}
  queue:wrap(function()
    codes[1] = client.v3(emulator, QUERY, FORM).json.Code
  end)
  queue:wrap(function()
    local headers = { ["x-acs-action"] = "SendMessage", ["x-acs-version"] = "2020-04-20" }
    local query = { InstanceId = "i", MqttTopic = "t", Payload = "x" }
    local answer = client.v3(emulator, query, nil, { headers = headers })
    codes[2] = answer.status .. " " .. answer.json.Code
  end)
  queue:wrap(function()
    local answer = huawei.create(emulator, "d1", { message = "x" })
    codes[3] = answer.status .. " " .. answer.json.error_code
  end)
  assert(queue:loop())
  assert.same({ "iot.messagebroker.PublishMessageException", "500 SendMessageFailed", "500 IOTDA.000001" }, codes)
end

describe("the emulator as a program", function()
  it("takes broker and folder with it when it is told to stop", function()
    local emulator = start_emulator()
    assert.is_true(can_connect(emulator.mqtt_host, emulator.mqtt_port))
    assert.equal(0, emulator:stop())
    assert.is_true(gone(emulator))
  end)

  it("takes them with it on SIGINT", function()
    local emulator = start_emulator()
    emulator.process:signal("INT")
    assert.is_true(gone(emulator))
    assert.equal(0, emulator:stop())
  end)

  it("takes them with it even when it is killed", function()
    local emulator = start_emulator()
    emulator.process:signal("KILL")
    assert.is_true(gone(emulator))
    emulator:stop()
  end)

  it("ends with the program that started it, however that dies", function()
    local parent = process.start({
      process.interpreter(), "-e",
      "local e = require('spec.support.emulator').start() print(e.process.pid) io.stdout:flush() "
        .. "require('cqueues').sleep(60)",
    })
    local pid = tonumber(parent:read_line(20))
    assert.is_true(process.exists(pid))
    parent:signal("KILL")
    assert.is_true(process:wait_until(function()
      return not process.exists(pid)
    end, 10))
    parent:stop()
  end)

  it("publishes to a broker it is given, and again after that broker was away", function()
    local folder = process.output_of("mktemp -d")
    local first = start_emulator()
    local port = first.mqtt_port + 0
    first:stop()
    local file = assert(io.open(folder .. "/m.conf", "w"))
    file:write(("user root\nallow_anonymous true\nlistener %d 127.0.0.1\n"):format(port))
    file:close()
    local function start_broker()
      local broker = process.start({ "/usr/sbin/mosquitto", "-c", folder .. "/m.conf" })
      process:wait_until(function()
        return can_connect("127.0.0.1", port)
      end, 5)
      return broker
    end
    local broker = start_broker()
    local emulator = start_emulator({ args = { "--mqtt", "127.0.0.1:" .. port } })
    assert.equal(port, emulator.mqtt_port)
    assert.is_true(client.v3(emulator, QUERY, FORM).json.Success)
    broker:stop()
    refused_without_a_broker(emulator)
    broker = start_broker()
    local listener = device.subscribe("127.0.0.1", port, "#")
    assert.is_true(client.v3(emulator, QUERY, FORM).json.Success)
    assert.equal("hello", listener:receive().payload)
    listener:stop()
    emulator:stop()
    assert.is_true(can_connect("127.0.0.1", port))
    broker:stop()
    os.execute("rm -rf " .. process.quote(folder))
  end)

  it("keeps and reuses what is in --dir, private keys private", function()
    local folder = process.output_of("mktemp -d") .. "/it's new"
    local emulator = start_emulator({ args = { "--dir", folder, "--quiet" } })
    assert.equal(folder .. "/ca.pem", emulator.ca_file)
    local function fingerprint()
      return process.output_of("cat " .. process.quote(folder) .. "/*.pem | sha256sum")
    end
    local before = fingerprint()
    assert.is_true(client.v3(emulator, QUERY, FORM).json.Success)
    assert.equal("", emulator:log())
    emulator:stop()
    local modes = process.output_of("stat -c %a " .. process.quote(folder) .. " "
      .. process.quote(folder) .. "/*-key.pem")
    assert.equal("700\n600\n600", modes)
    emulator = start_emulator({ args = { "--dir=" .. folder } })
    assert.is_true(client.v3(emulator, QUERY, FORM).json.Success)
    emulator:stop()
    assert.equal(before, fingerprint())
    os.execute("rm -rf " .. process.quote(folder:match("^(.*)/")))
  end)

  it("says in one line what is wrong", function()
    local taken = start_emulator()
    local port = taken.endpoint:match("%d+$")
    for words, expected in pairs({
      ["'--mqtt','127.0.0.1:1'"] = "no MQTT broker at 127.0.0.1:1",
      ["'--listen','127.0.0.1:" .. port .. "'"] = "cannot listen on 127.0.0.1:" .. port,
      ["'--dir','/proc/nowhere'"] = "cannot write to the folder /proc/nowhere",
    }) do
      local status, errors, out = run_and_fail(words)
      assert.equal(1, status)
      assert.truthy(errors:find(expected, 1, true), errors)
      assert.truthy(errors:find("^[^\n]+\n$"), errors)
      assert.equal("", out)
    end
    taken:stop()
  end)

  it("exits with 2 on wrong use", function()
    for _, words in ipairs({
      "'--nonsense'", "'--listen'", "'--listen','x'", "'--listen','h:99999'", "'--mqtt','a b:1'", "'stray'",
      "'--plain=1'", "'--dir',''", "'--token-lifetime','soon'", "'--ttl-minute','-1'", "'--access-key-id','a\\nb'",
    }) do
      local status, errors = run_and_fail(words)
      assert.equal(2, status)
      assert.truthy(errors:find("^iotmsg emulator: [^\n]+\n$"), errors)
    end
  end)

  it("explains itself", function()
    local status, _, out = run_and_fail("'--help'")
    assert.equal(0, status)
    assert.truthy(out:find("--security-token TOKEN", 1, true))
  end)
end)
