-- What `make demo` runs: a local cloud, a real broker and a real MQTT device per message. Each device must receive
-- exactly the bytes that were sent through the public interface; the exit status says whether all did.

local device = require "spec.support.device"
local emulator = require "spec.support.emulator"
local iotmsg = require "iotmsg"

local RECEIVE_TIMEOUT_S = 10
local UTF8 = "你好，世界 — grüß dich 😀"

local every_byte = {}
for byte = 0, 255 do every_byte[#every_byte + 1] = string.char(byte) end
every_byte = table.concat(every_byte)

-- How each system is told to deliver to a device, and the topic at which the device listens.
local SYSTEMS = {
  pub = function(name, message)
    message.product_key, message.qos = "a1DemoPk000", 1
    message.topic_full_name = "/a1DemoPk000/" .. name .. "/user/get"
    return iotmsg.pub, message.topic_full_name
  end,
  async_rrpc = function(name, message)
    message.product_key, message.device_name = "a1DemoPk000", name
    message.topic_full_name = "/a1DemoPk000/" .. name .. "/user/get"
    return iotmsg.async_rrpc, message.topic_full_name
  end,
  send_message = function(name, message)
    message.instance_id, message.mqtt_topic = "post-cn-demo0000", "demo/" .. name
    return iotmsg.send_message, message.mqtt_topic
  end,
  huawei_send = function(name, message)
    message.device_id = name
    return iotmsg.huawei.send, ("$oc/devices/%s/sys/messages/down"):format(name)
  end,
}

-- arrives: what the device receives, where that is not the payload itself.
local MESSAGES = {
  { "pub", "text", { payload = "hello world" } },
  { "pub", "utf8", { payload = UTF8 } },
  { "pub", "binary", { payload = every_byte } },
  { "async_rrpc", "gateway-text", { payload = "hello world" } },
  { "async_rrpc", "gateway-binary", { payload = every_byte } },
  { "send_message", "text", { payload = "hello world" } },
  { "send_message", "utf8", { payload = UTF8 } },
  { "send_message", "binary", { payload = every_byte, encoding = "base64" },
    arrives = iotmsg.base64.encode(every_byte) },
  { "huawei_send", "text", { payload = "hello world", payload_format = "raw" } },
  { "huawei_send", "utf8", { payload = UTF8, payload_format = "raw" } },
  { "huawei_send", "binary", { payload = every_byte, encoding = "base64" } },
}

local function fail(what, why)
  io.stderr:write("demo: ", what, ": ", tostring(why), "\n")
  return false
end

local function send_one(cloud, entry)
  local system, name, message = entry[1], entry[2], entry[3]
  local send, topic = SYSTEMS[system](name, message)
  local receiver = device.subscribe(cloud.mqtt_host, cloud.mqtt_port, topic)
  local expected = entry.arrives or message.payload
  local res, err = send(message)
  if not res then
    receiver:stop()
    return fail(system .. " to " .. topic, err)
  end
  local received, why = receiver:receive(RECEIVE_TIMEOUT_S)
  receiver:stop()
  if not received then return fail("the device at " .. topic .. " received nothing", why) end
  if received.payload ~= expected then
    return fail("the device at " .. topic, "received other bytes than were sent")
  end
  print(("delivered %s %s %d bytes"):format(system, res.message_id, #received.payload))
  return true
end

local function main()
  local cloud = emulator.start()
  assert(iotmsg.configure {
    endpoint = cloud.endpoint,
    ca_file = cloud.ca_file,
    access_key_id = cloud.access_key_id,
    access_key_secret = cloud.access_key_secret,
  })
  assert(iotmsg.huawei.configure {
    endpoint = cloud.huawei_endpoint,
    ca_file = cloud.ca_file,
    project_id = cloud.project_id,
    access_key_id = cloud.access_key_id,
    access_key_secret = cloud.access_key_secret,
  })
  local all_delivered = true
  for _, entry in ipairs(MESSAGES) do all_delivered = send_one(cloud, entry) and all_delivered end
  cloud:stop()
  return all_delivered
end

os.exit(main() and 0 or 1)
