-- What the emulator lets through to the broker: one bad string would cost every caller the shared connection.

local packet = require "iotmsg.emulator.mqtt_packet"

describe("MQTT text in the emulator", function()
  it("is UTF-8 without control characters, surrogates and noncharacters", function()
    for _, text in ipairs({ "", "plain", "\195\169", "\228\189\160\229\165\189", "\240\159\152\128",
      "\194\160", "\237\159\191", "\238\128\128", "\239\191\189", "\244\143\191\189" }) do
      assert.is_true(packet.is_text(text), text)
    end
    for _, text in ipairs({ "\0", "a\nb", "\127", "\194\128", "\194\159", "\128", "\255", "\192\128",
      "\193\191", "\195", "\224\128\128", "\224\159\191", "\237\160\128", "\240\128\128\128",
      "\244\144\128\128", "\239\183\144", "\239\191\190", "\239\191\191", "\228\189",
      "\228\189a", ("x"):rep(65536) }) do
      assert.is_false(packet.is_text(text))
    end
  end)

  it("is a topic only without wildcards and with at most 200 levels", function()
    for _, topic in ipairs({ "a", "/", "/a/b", "a" .. ("/a"):rep(199), "\228\189\160" }) do
      assert.is_true(packet.is_topic(topic))
    end
    for _, topic in ipairs({ "", "a/+", "#", "a" .. ("/a"):rep(200), "\0" }) do
      assert.is_false(packet.is_topic(topic))
    end
  end)
end)

describe("MQTT packets in the emulator", function()
  it("are bytes as the standard has them", function()
    assert.equal("\48\6\0\1t\0hi", packet.publish({ topic = "t", payload = "hi", qos = 0 }))
    local retained = { topic = "t", payload = "hi", qos = 1, retain = true }
    assert.equal("\51\8\0\1t\1\2\0hi", packet.publish(retained, 258))
    assert.equal("\48\16\0\1t\12\1\1\2\0\1\0\0\9\0\2\0\255",
      packet.publish({
        topic = "t", payload = "", qos = 0, payload_format_indicator = 1, message_expiry_interval = 65536,
        correlation_data = "\0\255",
      }))
    assert.equal("\16\13\0\4MQTT\5\2\0\30\0\0\0", packet.connect("", 30))
  end)

  it("need longer lengths for longer payloads", function()
    local bytes = packet.publish({ topic = "t", payload = ("x"):rep(128), qos = 0 })
    assert.equal("\48\132\1\0\1t\0", bytes:sub(1, 7))
  end)

  it("are read back, whatever a broker puts among the properties", function()
    local reason, limits = packet.read_connack("\0\0\23\38\0\1k\0\1v\33\0\20\18\0\2id\19\0\60")
    assert.equal(0, reason)
    assert.equal(20, limits.receive_maximum)
    assert.equal(60, limits.keepalive_s)
    for length = 0, 3 do
      assert.is_number((packet.read_connack(("\0\135\0\0"):sub(1, length))))
    end
    assert.same({ 258, 0 }, { packet.read_puback("\1\2") })
    assert.same({ 258, 135 }, { packet.read_puback("\1\2\135") })
  end)
end)
