-- The engine through the public API, against a server that plays every failure by script and against a real nginx for
-- volume. Each failure's kind and outcome are held against what the server saw: a call is never on the wire twice,
-- "not_sent" was never seen, every on_done runs once, and nothing outlives its deadline.

local iotmsg = require "iotmsg"

local faults = require "spec.support.faults"
local posix = require "spec.posix"
local process = require "spec.support.process"

local TRANSPORTS = {
  { name = "plain HTTP/1.1" }, { name = "HTTP/1.1 on TLS", tls = true }, { name = "HTTP/2", http = 2 },
}
local HTTP1 = { TRANSPORTS[1], TRANSPORTS[2] }

local server, nginx

setup(function()
  server = faults.start()
  nginx = server:nginx()
end)

teardown(function()
  iotmsg.drain(5000)
  nginx.stop()
  server:stop()
end)

local function client(endpoint, options)
  local all = {
    endpoint = endpoint, ca_file = server.ca_file, access_key_id = "LTAI-spec", access_key_secret = "spec-secret-0123",
    max_qps = false, retry = "off",
  }
  for name, value in pairs(options or {}) do all[name] = value end
  return assert(iotmsg.new(all))
end

local function open(transport, script, more)
  local order = { tls = transport.tls, http = transport.http, script = script }
  for name, value in pairs(more or {}) do order[name] = value end
  return server:open(order)
end

local function text_of(number)
  return ("call-%04d"):format(number)
end

local function message(number, more)
  local params = { product_key = "a1Q5XoY", topic_full_name = "/a1Q5XoY/device1/user/get", payload = text_of(number) }
  for name, value in pairs(more or {}) do params[name] = value end
  return params
end

-- How often each call was on the wire, by its number.
local function sightings(counts)
  local times = {}
  for _, entry in ipairs(counts.seen) do
    local encoded = (entry.body or ""):match("MessageContent=([%w%%]+)")
    local payload = encoded and iotmsg.base64.decode(encoded:gsub("%%(%x%x)", function(hex)
      return string.char(tonumber(hex, 16))
    end) .. "")
    local number = tonumber((payload or ""):match("^call%-(%d+)$"))
    if number then times[number] = (times[number] or 0) + 1 end
  end
  return times
end

local now_ms = require("iotmsg.core").engine.now_ms

local function fails(kind, outcome, result, err)
  assert.is_nil(result)
  assert.equal(kind .. "/" .. outcome, err.kind .. "/" .. err.outcome, tostring(err))
  return err
end

-- Runs the function and checks how long it took.
local function takes(min_ms, max_ms, body)
  local began = now_ms()
  body()
  local took = now_ms() - began
  assert(took >= min_ms and took <= max_ms, ("took %d ms, not %d to %d"):format(took, min_ms, max_ms))
end

-- Starts calls and gathers what on_done hears of each.
local function start_many(c, first, last, more)
  local heard = { calls = {}, times = {}, results = {}, errors = {} }
  for number = first, last do
    heard.calls[number - first + 1] = assert(c:start("pub", message(number, more), function(result, err)
      heard.times[number] = (heard.times[number] or 0) + 1
      heard.results[number], heard.errors[number] = result, err
    end))
  end
  return heard
end

local function each_heard_once(heard, first, last)
  for number = first, last do assert.equal(1, heard.times[number], "call " .. number) end
end

describe("volume", function()
  for _, name in ipairs { "plain", "h1", "h2" } do
    it("loses none of 10,000 started calls over nginx " .. name, function()
      local _, before = nginx.count()
      local heard = start_many(client(nginx[name], { timeout_ms = 60000 }), 1, 10000)
      assert.is_true(iotmsg.drain(60000))
      each_heard_once(heard, 1, 10000)
      for number = 1, 10000 do
        assert(heard.results[number], tostring(heard.errors[number]))
        assert.equal("889455942124347329", heard.results[number].message_id)
      end
      local _, after = nginx.count()
      assert.equal(10001, after - before)
    end)
  end

  it("doubles none of 10,000 calls over an nginx that says GOAWAY again and again", function()
    local _, before = nginx.count()
    local heard = start_many(client(nginx.goaway, { timeout_ms = 60000 }), 1, 10000)
    assert.is_true(iotmsg.drain(60000))
    each_heard_once(heard, 1, 10000)
    local accepted, unknown = 0, 0
    for number = 1, 10000 do
      local err = heard.errors[number]
      if err then assert.equal("network", err.kind, tostring(err)) end
      accepted = accepted + (err and 0 or 1)
      unknown = unknown + (err and err.outcome == "unknown" and 1 or 0)
    end
    local _, after = nginx.count()
    local answered = after - before - 1
    assert(answered >= accepted and answered <= accepted + unknown,
      ("%d accepted, %d unknown, %d answered"):format(accepted, unknown, answered))
    -- Some hundred are on the way to a connection that has just taken its last request.
    assert(unknown <= 100 and accepted >= 9000, ("%d accepted, %d unknown"):format(accepted, unknown))
  end)
end)

describe("a reused connection that dies before a reply byte", function()
  local DEATHS = { { "fin" }, { "fin", abrupt = true }, { "reset" } }

  for _, transport in ipairs(TRANSPORTS) do
    for _, death in ipairs(DEATHS) do
      local how = death[1] .. (death.abrupt and " without close_notify" or "")
      it(("is one request and an unknown outcome: %s, %s"):format(transport.name, how), function()
        local door = open(transport, { { "ok", death }, { "ok" } })
        local c = client(door.endpoint)
        assert(c:pub(message(1)))
        local err = fails("network", "unknown", c:pub(message(2)))
        assert.is_true(err.retryable)
        assert.equal(1, err.attempts)
        assert(c:pub(message(3)))
        local counts = door:count()
        assert.equal(3, counts.requests)
        assert.same({ 1, 1, 1 }, sightings(counts))
      end)
    end
  end

  for _, transport in ipairs(HTTP1) do
    it("is one request, read only in part: " .. transport.name, function()
      for _, death in ipairs { "close_unread", "reset_mid_request" } do
        local door = open(transport, { { "ok", death }, { "ok" } })
        local c = client(door.endpoint)
        assert(c:pub(message(1)))
        fails("network", "unknown", c:pub(message(2)))
        assert(c:pub(message(3)))
        assert.equal(3, door:count().requests)
      end
    end)

    it("is at most one request where it died while idle: " .. transport.name, function()
      local door = open(transport, { { { "ok_fin", abrupt = true } } })
      local c = client(door.endpoint)
      for number = 1, 20 do
        local result, err = c:pub(message(number))
        if not result then fails("network", "unknown", nil, err) end
      end
      for _, times in pairs(sightings(door:count())) do assert.equal(1, times) end
    end)
  end

  for _, transport in ipairs(TRANSPORTS) do
    it("doubles nothing where many die with many calls on the way: " .. transport.name, function()
      local door = open(transport, { { "ok", "ok", "fin" }, { "ok", "ok", "ok", "reset" } })
      local heard = start_many(client(door.endpoint, { max_connections = 8 }), 1, 300)
      assert.is_true(iotmsg.drain(10000))
      each_heard_once(heard, 1, 300)
      local times = sightings(door:count())
      for number = 1, 300 do
        local err = heard.errors[number]
        if err then assert.equal("network", err.kind, tostring(err)) end
        local allowed = not err and { [1] = true } or err.outcome == "not_sent" and { [0] = true }
          or { [0] = true, [1] = true }
        assert(allowed[times[number] or 0], ("call %d seen %d times: %s"):format(number, times[number] or 0,
          tostring(err)))
      end
    end)
  end
end)

describe("HTTP/2", function()
  it("takes a refused stream as unprocessed: sent again, or not sent", function()
    local once = open(TRANSPORTS[3], { { "refuse", "ok" }, { "ok" } })
    local result, err = client(once.endpoint):pub(message(1))
    assert(result or err.outcome == "not_sent", tostring(err))
    local always = open(TRANSPORTS[3], { { "refuse" } })
    err = select(2, client(always.endpoint):pub(message(1)))
    assert.equal("not_sent", err.outcome, tostring(err))
  end)

  -- On a reused connection libcurl tells a refused stream from a broken one in no way.
  it("sends no stream again that was refused on a reused connection, unless it is sure", function()
    local door = open(TRANSPORTS[3], { { "ok", "refuse", "ok" }, { "ok" } })
    local c = client(door.endpoint)
    assert(c:pub(message(1)))
    local result, err = c:pub(message(2))
    assert(result or err.kind == "network", tostring(err))
    assert.equal(result and 3 or 2, door:count().requests)
  end)

  it("takes a GOAWAY past the stream as unprocessed", function()
    local door = open(TRANSPORTS[3], { { "ok", { "goaway" } }, { "ok" } })
    local c = client(door.endpoint)
    assert(c:pub(message(1)))
    local result, err = c:pub(message(2))
    assert(result or err.outcome == "not_sent", tostring(err))
  end)

  it("takes a GOAWAY that includes the stream as unknown, seen once", function()
    local door = open(TRANSPORTS[3], { { "ok", { "goaway", last = "this" } }, { "ok" } })
    local c = client(door.endpoint)
    assert(c:pub(message(1)))
    fails("network", "unknown", c:pub(message(2)))
    assert.equal(2, door:count().requests)
  end)

  it("takes streams that a dying server breaks off as unknown, seen once", function()
    for _, step in ipairs { { "abort" }, { "abort", ms = 100 }, { "abort", goaway = true },
      { "abort", goaway = true, ms = 100 } } do
      local door = open(TRANSPORTS[3], { { "ok", "silence", "silence", "silence", step }, { "ok" } })
      local c = client(door.endpoint)
      assert(c:pub(message(1)))
      local heard = start_many(c, 2, 5)
      assert.is_true(iotmsg.drain(5000))
      assert.equal(5, door:count().requests)
      for number = 2, 5 do
        local err = heard.errors[number]
        assert(err and (err.kind == "network" or err.kind == "protocol") and err.outcome == "unknown", tostring(err))
      end
    end
  end)

  it("goes on after a GOAWAY in good order", function()
    local door = open(TRANSPORTS[3], { { "ok", "ok_goaway" } })
    local c = client(door.endpoint)
    for number = 1, 20 do assert(c:pub(message(number))) end
    assert.equal(20, door:count().requests)
  end)

  it("ends a broken stream as unknown, seen once", function()
    for _, step in ipairs { "stream_error", "cut_body", "garbage" } do
      local door = open(TRANSPORTS[3], { { "ok", step }, { "ok" } })
      local c = client(door.endpoint)
      assert(c:pub(message(1)))
      local result, err = c:pub(message(2))
      assert.is_nil(result)
      assert(err.kind == "network" or err.kind == "protocol", step .. ": " .. tostring(err))
      assert.equal("unknown", err.outcome, step .. ": " .. tostring(err))
      assert.equal(2, door:count().requests, step)
    end
  end)

  it("lets silence on one stream end by its deadline and no other", function()
    local door = open(TRANSPORTS[3], { { "ok", "silence", "ok" } })
    local c = client(door.endpoint)
    assert(c:pub(message(1)))
    local silent = assert(c:start("pub", message(2, { timeout_ms = 300 })))
    faults.wait_until(function() return door:count().requests == 2 end)
    assert(c:pub(message(3)))
    takes(0, 600, function() fails("timeout", "unknown", silent:wait()) end)
  end)
end)

describe("connecting", function()
  it("that is refused is network, not sent", function()
    takes(0, 1000, function()
      local err = fails("network", "not_sent", client(server:refusing_endpoint()):pub(message(1)))
      assert.is_true(err.retryable)
    end)
  end)

  it("that is not answered ends at the connect deadline, for the calls in the queue too", function()
    local c = client(server:swallowing_endpoint(), { connect_timeout_ms = 400, timeout_ms = 5000 })
    local heard = start_many(c, 1, 30)
    takes(350, 900, function() assert.is_true(iotmsg.drain(5000)) end)
    each_heard_once(heard, 1, 30)
    for number = 1, 30 do fails("timeout", "not_sent", nil, heard.errors[number]) end
  end)

  it("that is not answered ends at the call's deadline where that is earlier", function()
    local c = client(server:swallowing_endpoint(), { timeout_ms = 200 })
    takes(150, 600, function() fails("timeout", "not_sent", c:pub(message(1))) end)
  end)

  it("counts the TLS handshake in", function()
    local door = open(TRANSPORTS[2], { { "silent_accept" } })
    takes(250, 700, function()
      fails("timeout", "not_sent", client(door.endpoint, { connect_timeout_ms = 300 }):pub(message(1)))
    end)
  end)

  it("to what ends the TLS handshake is not sent", function()
    for _, step in ipairs { "close_at_accept", "reset_at_accept", "garbage_at_accept" } do
      local door = open(TRANSPORTS[2], { { step } })
      local result, err = client(door.endpoint):pub(message(1))
      assert.is_nil(result)
      assert(err.kind == "tls" or err.kind == "network", step .. ": " .. tostring(err))
      assert.equal("not_sent", err.outcome, step)
      assert.equal(0, door:count().requests)
    end
  end)

  it("to a certificate of an unknown authority is tls, not sent, and names the bundle", function()
    local door = open(TRANSPORTS[2], { { "ok" } })
    local err = fails("tls", "not_sent", client(door.endpoint, { ca_file = false }):pub(message(1)))
    assert.truthy(err.message:find("CA bundle", 1, true))
    assert.equal(0, door:count().requests)
  end)

  it("opens one connection first, and never more than max_connections", function()
    local silent = open(TRANSPORTS[2], { { { "silent_accept", s = 2 } } })
    local heard = start_many(client(silent.endpoint, { connect_timeout_ms = 400 }), 1, 128)
    posix.sleep_ms(250)
    assert.equal(1, silent:count().connections)
    assert.is_true(iotmsg.drain(5000))
    each_heard_once(heard, 1, 128)

    for _, transport in ipairs(TRANSPORTS) do
      local delay = transport.http == 2 and "ok" or { "ok", delay_ms = 20 }
      local door = open(transport, { { delay } }, { max_streams = 4 })
      heard = start_many(client(door.endpoint, { max_connections = 4 }), 1, 128)
      assert.is_true(iotmsg.drain(10000))
      for number = 1, 128 do assert(heard.results[number], tostring(heard.errors[number])) end
      local counts = door:count()
      assert(counts.peak <= 4, ("%s: %d connections at once"):format(transport.name, counts.peak))
      assert.equal(128, counts.requests)
    end
  end)

  it("keeps to max_connections where a server allows few HTTP/2 streams", function()
    local before = nginx.count()
    local heard = start_many(client(nginx.few, { max_connections = 2 }), 1, 400)
    assert.is_true(iotmsg.drain(10000))
    for number = 1, 400 do assert(heard.results[number], tostring(heard.errors[number])) end
    local after = nginx.count()
    -- The second question is a connection of its own.
    assert(after - before - 1 <= 2, ("%d connections"):format(after - before - 1))
  end)
end)

describe("a reply", function()
  for _, transport in ipairs(TRANSPORTS) do
    it("that never comes is a timeout at the deadline: " .. transport.name, function()
      local door = open(transport, { { "silence" } })
      takes(250, 700, function()
        fails("timeout", "unknown", client(door.endpoint, { timeout_ms = 300 }):pub(message(1)))
      end)
      assert.equal(1, door:count().requests)
    end)
  end

  local BROKEN = {
    cut_header = "network protocol", cut_after_header = "network", cut_body = "network", reset_in_body = "network",
    too_short_length = "protocol", broken_chunks = "network protocol", cut_chunks = "network protocol",
    garbage = "network protocol", html = "protocol", fin = "network", reset = "network", close_unread = "network",
    reset_mid_request = "network",
  }
  for _, transport in ipairs(HTTP1) do
    for step, kinds in pairs(BROKEN) do
      it(("that is broken is unknown, seen once: %s, %s"):format(step, transport.name), function()
        local door = open(transport, { { step }, { "ok" } })
        local result, err = client(door.endpoint):pub(message(1))
        assert.is_nil(result)
        assert.truthy(kinds:find(err.kind, 1, true), tostring(err))
        assert.equal("unknown", err.outcome)
        assert.equal(1, door:count().requests)
      end)
    end

    it("that comes whole counts, however it comes: " .. transport.name, function()
      for _, step in ipairs { "ok_fin", "chunks", "informational", "drip" } do
        local door = open(transport, { { { step, ms = 1 } } })
        local result, err = client(door.endpoint):pub(message(1))
        assert(result, step .. ": " .. tostring(err))
        assert.equal("889455942124347329", result.message_id)
      end
    end)

    it("that drips too slowly ends at the deadline: " .. transport.name, function()
      local door = open(transport, { { { "drip", ms = 20 } } })
      takes(350, 800, function()
        fails("timeout", "unknown", client(door.endpoint, { timeout_ms = 400 }):pub(message(1)))
      end)
    end)

    it("that comes before a large message was read is the answer: " .. transport.name, function()
      local door = open(transport, { { "refuse_early" } }, { receive_buffer = 4096 })
      takes(0, 4500, function()
        local c = client(door.endpoint, { timeout_ms = 4000 })
        local err = fails("refused", "rejected", c:pub(message(1, { payload = ("x"):rep(256 * 1024) })))
        assert.equal(413, err.http_status)
      end)
    end)

    it("without end is given up: " .. transport.name, function()
      for _, step in ipairs { "huge", "endless", "endless_header" } do
        local door = open(transport, { { step } })
        fails("protocol", "unknown", client(door.endpoint):pub(message(1)))
        local counts = door:count()
        assert.equal(1, counts.requests)
        assert(counts.sent < 64 * 2 ^ 20, ("%s: %d bytes went out"):format(step, counts.sent))
      end
    end)

    it("that is a redirect is not followed: " .. transport.name, function()
      local target = open(transport, { { "ok" } })
      local door = open(transport, { { { "redirect", to = target.endpoint .. "/" } } })
      local err = fails("protocol", "unknown", client(door.endpoint):pub(message(1)))
      assert.equal(307, err.http_status)
      assert.equal(0, target:count().connections)
    end)
  end
end)

describe("cancel", function()
  local function cancelled(outcome, call)
    takes(0, 300, function()
      call:cancel()
      fails("cancelled", outcome, call:wait())
    end)
    assert.is_true(call:done())
  end

  it("of a call in the queue proves it was not sent, and leaves the others alone", function()
    local door = open(TRANSPORTS[1], { { { "ok", delay_ms = 200 } } })
    local heard = start_many(client(door.endpoint, { max_connections = 1 }), 1, 3)
    cancelled("not_sent", heard.calls[2])
    assert.is_true(iotmsg.drain(3000))
    assert(heard.results[1] and heard.results[3])
    each_heard_once(heard, 1, 3)
    assert.same({ [1] = 1, [3] = 1 }, sightings(door:count()))
  end)

  it("of a call held back by the quota", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local heard = start_many(client(door.endpoint, { max_qps = 1, access_key_id = "LTAI-held" }), 1, 2)
    assert(heard.calls[1]:wait())
    cancelled("not_sent", heard.calls[2])
    assert.equal(1, door:count().requests)
  end)

  it("of a call that connects", function()
    local heard = start_many(client(server:swallowing_endpoint()), 1, 1)
    posix.sleep_ms(50)
    cancelled("not_sent", heard.calls[1])
  end)

  for _, transport in ipairs(TRANSPORTS) do
    it("of a call on the wire leaves its outcome unknown: " .. transport.name, function()
      local door = open(transport, { { "silence" } })
      local heard = start_many(client(door.endpoint), 1, 1)
      faults.wait_until(function() return door:count().requests == 1 end)
      cancelled("unknown", heard.calls[1])
      each_heard_once(heard, 1, 1)
    end)
  end

  it("of a call in back-off ends it, and nothing more is sent", function()
    local throttled = { "ok", status = "429 Too Many Requests", body = '{"Code":"Throttling","Success":false}',
      fields = "retry-after: 1\r\n" }
    for _, unpolled_ms in ipairs { 0, 1300 } do
      local door = open(TRANSPORTS[1], { { throttled, "ok" } })
      local heard = start_many(client(door.endpoint, { retry = "safe" }), 1, 1)
      assert.is_nil((heard.calls[1]:wait(300))) -- its first try has failed, its second waits
      assert.is_false(heard.calls[1]:done())
      posix.sleep_ms(unpolled_ms)
      heard.calls[1]:cancel()
      local result, err = heard.calls[1]:wait(3000)
      assert.is_nil(result)
      assert.equal("cancelled", err.kind, ("polled after %d ms: %s"):format(unpolled_ms, tostring(err)))
      assert.equal(1, door:count().requests)
      each_heard_once(heard, 1, 1)
    end
  end)

  it("after the end changes nothing", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local heard = start_many(client(door.endpoint), 1, 1)
    local result = assert(heard.calls[1]:wait())
    heard.calls[1]:cancel()
    heard.calls[1]:cancel()
    assert.equal(result, (heard.calls[1]:wait()))
    iotmsg.poll(50)
    each_heard_once(heard, 1, 1)
  end)
end)

describe("waiting", function()
  it("gives the true result after a wait whose time was spent", function()
    local door = open(TRANSPORTS[1], { { { "ok", delay_ms = 300 } } })
    local heard = start_many(client(door.endpoint), 1, 1)
    local call = heard.calls[1]
    takes(90, 250, function() fails("timeout", "unknown", call:wait(100)) end)
    assert.is_false(call:done())
    fails("timeout", "unknown", call:wait(0))
    local result = assert(call:wait(2000))
    assert.is_true(call:done())
    assert.equal(result, (call:wait()))
    assert.equal(result, (call:wait(0)))
    each_heard_once(heard, 1, 1)
  end)

  it("drains, with and without a limit", function()
    assert.is_true(iotmsg.drain())
    local door = open(TRANSPORTS[1], { { { "ok", delay_ms = 200 } } })
    local heard = start_many(client(door.endpoint), 1, 5)
    takes(0, 150, function() fails("timeout", "unknown", iotmsg.drain(50)) end)
    fails("timeout", "unknown", iotmsg.wait_all(heard.calls, 10))
    assert.is_true(iotmsg.wait_all(heard.calls))
    assert.is_true(iotmsg.drain())
    each_heard_once(heard, 1, 5)
  end)

  it("polls without waiting, and with", function()
    assert.equal(0, iotmsg.poll())
    local door = open(TRANSPORTS[1], { { { "ok", delay_ms = 200 } } })
    local heard = start_many(client(door.endpoint), 1, 1)
    takes(0, 50, function() assert.equal(0, iotmsg.poll(0)) end)
    takes(40, 150, function() assert.equal(0, iotmsg.poll(50)) end)
    takes(0, 500, function() assert.equal(1, iotmsg.poll(2000)) end)
    each_heard_once(heard, 1, 1)
  end)

  it("polls no more than max_calls, and the descriptor stays readable for the rest", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local c = client(door.endpoint)
    local fd = iotmsg.pollable().pollfd
    assert.is_false(posix.is_readable(fd))
    local heard = start_many(c, 1, 6)
    faults.wait_until(function() return door:count().requests == 6 end)
    posix.sleep_ms(100)
    assert.equal(2, iotmsg.poll(0, 2))
    assert.is_true(posix.is_readable(fd))
    assert.equal(1, iotmsg.poll(1000, 1))
    assert.equal(3, iotmsg.poll(0))
    assert.is_false(posix.is_readable(fd))
    each_heard_once(heard, 1, 6)

    -- The same where the poll has to wait first: all six come at once.
    local together = open(TRANSPORTS[3], { { { "ok" } } })
    c = client(together.endpoint)
    assert(c:pub(message(1)))
    for _ = 1, 20 do
      heard = start_many(c, 1, 6)
      local done = 0
      while done < 6 do
        local count = iotmsg.poll(1000, 1)
        assert.equal(1, count)
        done = done + count
      end
      each_heard_once(heard, 1, 6)
    end
  end)

  it("is told by the pollable's descriptor alone", function()
    local door = open(TRANSPORTS[2], { { { "ok", delay_ms = 50 } } })
    local pollable = iotmsg.pollable()
    local done = 0
    for number = 1, 20 do
      assert(client(door.endpoint):start("pub", message(number), function() done = done + 1 end))
    end
    while done < 20 do
      assert.is_true(posix.is_readable(pollable:getfd(), 2000))
      iotmsg.poll(0)
    end
    assert.equal("r", pollable.events)
    assert.is_nil(pollable:timeout())
  end)
end)

describe("on_done", function()
  it("that raises reaches the poller and loses no other completion", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local c = client(door.endpoint)
    local heard, raised = {}, {}
    for number = 1, 20 do
      assert(c:start("pub", message(number), function()
        heard[number] = (heard[number] or 0) + 1
        if number % 4 == 0 then error("raised by " .. number, 0) end
      end))
    end
    while #raised < 5 do
      local ok, why = pcall(iotmsg.drain, 5000)
      if ok then break end
      raised[#raised + 1] = why
    end
    assert.is_true(iotmsg.drain(5000))
    table.sort(raised)
    assert.same({ "raised by 12", "raised by 16", "raised by 20", "raised by 4", "raised by 8" }, raised)
    for number = 1, 20 do assert.equal(1, heard[number]) end
  end)

  it("may send, start, poll and drain", function()
    local door = open(TRANSPORTS[2], { { "ok" } })
    local c = client(door.endpoint)
    local trail = {}
    local inner
    assert(c:start("pub", message(1), function()
      assert(c:pub(message(2)))
      inner = assert(c:start("pub", message(3), function()
        trail[#trail + 1] = "inner"
        iotmsg.poll(0)
        assert(c:start("pub", message(4), function() trail[#trail + 1] = "innermost" end))
      end))
      iotmsg.poll(0)
      trail[#trail + 1] = "outer"
    end))
    assert.is_true(iotmsg.drain(5000))
    assert.is_true(inner:done())
    assert.equal(3, #trail)
    assert.same({ 1, 1, 1, 1 }, sightings(door:count()))
    local drained
    assert(c:start("pub", message(5), function()
      assert(c:start("pub", message(6)))
      drained = iotmsg.drain(5000)
    end))
    assert.is_true(iotmsg.drain(5000))
    assert.is_true(drained)
  end)

  it("never runs inside start, and not where start fails", function()
    local ran = 0
    local c = client(nginx.plain, { max_pending = 1 })
    assert(c:start("pub", message(1), function() ran = ran + 1 end))
    assert.equal(0, ran)
    fails("resource", "not_sent", c:start("pub", message(2), function() ran = ran + 100 end))
    fails("invalid_argument", "not_sent", c:start("pub", {}, function() ran = ran + 100 end))
    assert.is_true(iotmsg.drain(5000))
    assert.equal(1, ran)
  end)

  it("hears of calls whose handle and client are gone", function()
    local door = open(TRANSPORTS[1], { { { "ok", delay_ms = 50 } } })
    local heard = 0
    for number = 1, 30 do
      client(door.endpoint):start("pub", message(number), function(result)
        heard = heard + (result and 1 or 0)
      end)
    end
    collectgarbage()
    collectgarbage()
    assert.is_true(iotmsg.drain(5000))
    assert.equal(30, heard)
    assert.equal(30, door:count().requests)
  end)
end)

describe("limits", function()
  it("of pending calls: refused beyond, free again once handed over", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local c = client(door.endpoint, { max_pending = 5 })
    for _ = 1, 3 do
      start_many(c, 1, 5)
      local err = fails("resource", "not_sent", c:start("pub", message(6)))
      assert.is_true(err.retryable)
      assert.is_true(iotmsg.drain(5000))
    end
    assert.equal(15, door:count().requests)
  end)

  it("of pending calls: free again in on_done, after failures and cancel", function()
    local c = client(server:refusing_endpoint(), { max_pending = 1 })
    local again
    for _ = 1, 3 do
      assert(c:start("pub", message(1), function() again = c:start("pub", message(2)) end))
      assert.is_true(iotmsg.drain(5000))
      assert.truthy(again)
      assert(c:start("pub", message(3))):cancel()
      assert.is_true(iotmsg.drain(5000))
    end
  end)

  it("of pending bytes", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local c = client(door.endpoint, { max_pending_bytes = 2500 })
    for _ = 1, 3 do
      for _ = 1, 2 do assert(c:start("pub", message(1, { payload = ("x"):rep(1000) }))) end
      fails("resource", "not_sent", c:start("pub", message(2, { payload = ("x"):rep(1000) })))
      assert(c:start("pub", message(3)))
      assert.is_true(iotmsg.drain(5000))
    end
    assert.equal(9, door:count().requests)
  end)

  it("of descriptors end calls as resource, not sent, and pass", function()
    local door = open(TRANSPORTS[1], { { { "ok", delay_ms = 20 } } })
    local c = client(door.endpoint)
    assert(c:pub(message(1)))
    local highest = 0
    for _, entry in ipairs(posix.descriptors()) do highest = math.max(highest, entry.fd) end
    local before = assert(posix.limit_descriptors(highest + 1))
    local files = {}
    for file in function() return io.open("/dev/null") end do files[#files + 1] = file end
    local heard = start_many(c, 1, 40)
    local drained = iotmsg.drain(10000)
    posix.limit_descriptors(before)
    for _, file in ipairs(files) do file:close() end
    assert.is_true(drained)
    each_heard_once(heard, 1, 40)
    local failed = 0
    for number = 1, 40 do
      local err = heard.errors[number]
      if err then
        failed = failed + 1
        assert.equal("resource/not_sent", err.kind .. "/" .. err.outcome, tostring(err))
      end
    end
    assert(failed > 0)
    assert(c:pub(message(2)))
  end)

  it("of one call win over the client's", function()
    local door = open(TRANSPORTS[1], { { "silence" } })
    local c = client(door.endpoint, { timeout_ms = 5000 })
    takes(150, 600, function() fails("timeout", "unknown", c:pub(message(1, { timeout_ms = 200 }))) end)
    local other = open(TRANSPORTS[1], { { "ok" } })
    assert(c:pub(message(2, { endpoint = other.endpoint })))
    assert.equal(1, other:count().requests)
    takes(0, 3000, function()
      local err = fails("network", "not_sent",
        c:pub(message(3, { endpoint = server:refusing_endpoint(), retry = "safe", max_attempts = 2 })))
      assert.equal(2, err.attempts)
    end)
  end)
end)

describe("the quota", function()
  it("holds calls back, and the wait counts against the deadline", function()
    local door = open(TRANSPORTS[1], { { "ok" } })
    local c = client(door.endpoint, { max_qps = 2, access_key_id = "LTAI-quota", timeout_ms = 700 })
    local heard = start_many(c, 1, 3)
    takes(300, 1000, function() assert.is_true(iotmsg.drain(5000)) end)
    assert(heard.results[1] and heard.results[2])
    fails("timeout", "not_sent", nil, heard.errors[3])
    assert.equal(2, door:count().requests)
  end)
end)

describe("retries", function()
  local THROTTLED = { "ok", status = "429 Too Many Requests", body = '{"Code":"Throttling","Success":false}' }

  local function distinct_nonces(door)
    local seen, count = {}, 0
    for _, entry in ipairs(door:count().seen) do
      assert.is_nil(seen[entry.nonce])
      seen[entry.nonce] = true
      count = count + 1
    end
    return count
  end

  it("of refused connects go on to max_attempts and then tell", function()
    local events = {}
    local c = client(server:refusing_endpoint(), {
      retry = "safe", max_attempts = 3, on_event = function(event)
        events[event.name] = (events[event.name] or 0) + 1
      end,
    })
    local err = fails("network", "not_sent", c:pub(message(1)))
    assert.equal(3, err.attempts)
    assert.same({ attempt = 3, done = 1 }, events)
  end)

  it("sign each try afresh", function()
    local door = open(TRANSPORTS[1], { { THROTTLED, THROTTLED, "ok" } })
    local result = assert(client(door.endpoint, { retry = "safe" }):pub(message(1)))
    assert.equal(3, result.attempts)
    assert.equal(3, distinct_nonces(door))
  end)

  it("of a safe client leave an unknown outcome alone", function()
    for _, step in ipairs { "fin", "reset", "cut_body", "html" } do
      local door = open(TRANSPORTS[1], { { step }, { "ok" } })
      local result, err = client(door.endpoint, { retry = "safe" }):pub(message(1))
      assert.is_nil(result)
      assert.equal("unknown", err.outcome)
      assert.equal(1, err.attempts)
      assert.equal(1, door:count().requests)
    end
  end)

  it("of an at_least_once client do not", function()
    for _, step in ipairs { "fin", "reset", "cut_body" } do
      for _, transport in ipairs(HTTP1) do
        local door = open(transport, { { step }, { step }, { "ok" } })
        local result = assert(client(door.endpoint, { retry = "at_least_once" }):pub(message(1)))
        assert.equal(3, result.attempts)
        assert.equal(3, distinct_nonces(door))
      end
    end
  end)

  it("after an interrupted TLS handshake are safe", function()
    for _, step in ipairs { "close_at_accept", "reset_at_accept" } do
      local door = open(TRANSPORTS[2], { { step }, { "ok" } })
      local result, err = client(door.endpoint, { retry = "safe" }):pub(message(1))
      assert(result, step .. ": " .. tostring(err))
      assert.equal(2, result.attempts)
    end
  end)

  it("do not make an unknown outcome better", function()
    local refusal = { "ok", status = "400 Bad Request", body = '{"Code":"InvalidParameter","Success":false}' }
    local door = open(TRANSPORTS[1], { { "fin" }, { refusal } })
    local result, err = client(door.endpoint, { retry = "at_least_once" }):pub(message(1))
    assert.is_nil(result)
    assert.equal("unknown", err.outcome)
    assert.equal(2, err.attempts)
    assert.equal(400, err.http_status)
  end)

  it("end with the call's deadline", function()
    takes(0, 900, function()
      local c = client(server:refusing_endpoint(), { retry = "safe", max_attempts = 100, timeout_ms = 600 })
      local err = select(2, c:pub(message(1)))
      assert.equal("not_sent", err.outcome)
      assert(err.attempts > 1)
    end)
    local door = open(TRANSPORTS[1], { { "fin" }, { "silence" } })
    takes(250, 700, function()
      fails("timeout", "unknown", client(door.endpoint, { retry = "at_least_once", timeout_ms = 300 }):pub(message(1)))
    end)
  end)
end)

describe("the process", function()
  local function resident_kb()
    for line in io.lines("/proc/self/status") do
      local kb = line:match("^VmRSS:%s+(%d+)")
      if kb then return tonumber(kb) end
    end
  end

  it("keeps memory and descriptors flat over 20,000 calls", function()
    local c = client(nginx.h1, { max_connections = 8 })
    local function round(calls)
      for _ = 1, calls do assert(c:start("pub", message(1))) end
      assert.is_true(iotmsg.drain(30000))
    end
    local function settle()
      collectgarbage()
      collectgarbage()
      return resident_kb(), #posix.descriptors()
    end
    for _ = 1, 4 do round(2000) end
    local kb_before, descriptors_before = settle()
    for _ = 1, 10 do round(2000) end
    local kb_after, descriptors_after = settle()
    assert(kb_after - kb_before < 4096, ("%d kB more"):format(kb_after - kb_before))
    -- A route may have come to keep more of its eight connections.
    assert(descriptors_after - descriptors_before <= 8, ("%d descriptors more"):format(
      descriptors_after - descriptors_before))
  end)

  it("leaves no descriptor to the programs it starts, and one thread", function()
    local script = [[
      local iotmsg, posix = require "iotmsg", require "spec.posix"
      local own = {}
      for _, entry in ipairs(posix.descriptors()) do own[entry.fd] = true end
      assert(posix.threads() == 1)
      for _, endpoint in ipairs { ENDPOINTS } do
        local c = assert(iotmsg.new { endpoint = endpoint, ca_file = "CA_FILE", access_key_id = "LTAI-spec",
          access_key_secret = "spec-secret-0123", retry = "off" })
        for _ = 1, 20 do
          assert(c:start("pub", { product_key = "pk", topic_full_name = "/pk/d/user/get", payload = "x" }))
        end
        iotmsg.drain(5000)
      end
      -- libcurl's own wake-up pair is beyond reach: two unnamed Unix sockets that lead nowhere else.
      local unix, wake_up = {}, 0
      for line in io.lines("/proc/net/unix") do unix["socket:[" .. (line:match("(%d+)$") or "") .. "]"] = true end
      for _, entry in ipairs(posix.descriptors()) do
        if not own[entry.fd] and not entry.close_on_exec then
          if unix[entry.target] then wake_up = wake_up + 1 else print(entry.fd, entry.target) end
        end
      end
      assert(wake_up <= 2)
      print(("threads %d"):format(posix.threads()))
    ]]
    local named = nginx.h1:gsub("127%.0%.0%.1", "localhost")
    script = script:gsub("ENDPOINTS", ("%q, %q, %q, %q"):format(nginx.h1, nginx.h2, nginx.plain, named))
    script = script:gsub("CA_FILE", server.ca_file)
    local child = process.start({ process.interpreter(), "-e", script })
    local lines = {}
    for line in function() return child:read_line(5) end do lines[#lines + 1] = line end
    local errors = child:errors()
    child:stop()
    assert.equal("threads 2", table.concat(lines, "\n"), errors)
  end)

  it("waits on through signals", function()
    local door = open(TRANSPORTS[2], { { { "ok", delay_ms = 100 } } })
    posix.catch_signal(posix.SIGALRM)
    posix.catch_signal(posix.SIGCHLD)
    local before = posix.signals_seen()
    posix.alarm_every(2)
    local ok, why = pcall(function()
      local c = client(door.endpoint)
      for number = 1, 3 do assert(c:pub(message(number))) end
      local heard = start_many(c, 4, 50)
      assert.is_true(iotmsg.drain(5000))
      for number = 4, 50 do assert(heard.results[number], tostring(heard.errors[number])) end
      takes(190, 400, function() fails("timeout", "unknown", c:pub(message(51, { timeout_ms = 200,
        endpoint = open(TRANSPORTS[1], { { "silence" } }).endpoint }))) end)
    end)
    posix.alarm_every(0)
    assert(ok, why)
    assert(posix.signals_seen() - before > 50)
    assert.equal(50, door:count().requests)
  end)
end)
