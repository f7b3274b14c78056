-- The engine and the life of a process: fork before, after and amid calls, exit with calls on the way, closed and
-- several Lua states. Each case is a program of its own, started with a few helpers, against the fault server and a
-- real nginx; it prints what it found, and what it prints, how it ends and how long it takes is what counts.

local faults = require "spec.support.faults"
local posix = require "spec.posix"
local process = require "spec.support.process"

local PRELUDE = [[
local iotmsg, posix = require "iotmsg", require "spec.posix"

local function client(endpoint, options)
  local all = { endpoint = endpoint, ca_file = CA_FILE, access_key_id = "LTAI-spec",
    access_key_secret = "spec-secret-0123", max_qps = false, retry = "off" }
  for name, value in pairs(options or {}) do all[name] = value end
  return assert(iotmsg.new(all))
end

local MESSAGE = { product_key = "a1Q5XoY", topic_full_name = "/a1Q5XoY/device1/user/get", payload = "x" }

-- Starts calls; tally.times counts each one's ends, tally.ends how they ended.
local function start(c, count)
  local tally = { times = {}, ends = {}, calls = {} }
  for number = 1, count do
    tally.calls[number] = assert(c:start("pub", MESSAGE, function(result, err)
      tally.times[number] = (tally.times[number] or 0) + 1
      local how = result and "accepted" or err.kind .. "/" .. err.outcome
      tally.ends[how] = (tally.ends[how] or 0) + 1
    end))
  end
  return tally
end

local function once(tally, count)
  for number = 1, count do
    if tally.times[number] ~= 1 then
      error(("call %d ended %s times"):format(number, tostring(tally.times[number])))
    end
  end
  local words = {}
  for how, times in pairs(tally.ends) do words[#words + 1] = how .. " " .. times end
  table.sort(words)
  return table.concat(words, ", ")
end

-- A child that runs the function and leaves at once: status 0, or 1 with what was wrong on standard error.
local function child(body)
  io.stdout:flush()
  local pid = assert(posix.fork())
  if pid > 0 then return pid end
  local ok, why = pcall(body)
  if not ok then io.stderr:write("child: ", tostring(why), "\n") end
  io.stderr:flush()
  posix.exit_now(ok and 0 or 1)
end

-- The child's exit status; one that hangs is killed, and that is an error.
local function await(pid)
  for _ = 1, 2000 do
    local status = posix.waitpid(pid, true)
    if status ~= -1 then return status end
    posix.sleep_ms(5)
  end
  posix.kill(pid, posix.SIGKILL)
  posix.waitpid(pid)
  error("a child hangs")
end
]]

local server, nginx

setup(function()
  server = faults.start()
  nginx = server:nginx()
end)

teardown(function()
  nginx.stop()
  server:stop()
end)

local now_ms = require("iotmsg.core").engine.now_ms

---@param script string Lua, after the helpers; names in capitals become the values' strings
---@param values table?
---@return table run { output, errors, status, took_ms }
local function run(script, values)
  local all = { CA_FILE = server.ca_file }
  for name, value in pairs(values or {}) do all[name] = value end
  local text = (PRELUDE .. script):gsub("%f[%w_]([A-Z_]+)%f[^%w_]", function(name)
    return all[name] and ("%q"):format(all[name])
  end)
  local began = now_ms()
  local program = process.start({ process.interpreter(), "-e", text })
  local lines = {}
  faults.wait_until(function() return not program:alive() end, 20)
  local took_ms = now_ms() - began
  for line in function() return program:read_line(0) end do lines[#lines + 1] = line end
  local status = program:stop()
  return { output = table.concat(lines, "\n"), errors = program:errors(), status = status, took_ms = took_ms }
end

local function prints(expected, script, values)
  local found = run(script, values)
  assert.equal(expected, found.output, found.errors)
  assert.equal("", found.errors)
  assert.equal(0, found.status)
  return found
end

describe("fork", function()
  it("before the first use leaves both sides fit", function()
    prints("parent accepted, child 0", [[
      local pid = child(function() assert(client(ENDPOINT):pub(MESSAGE)) end)
      assert(client(ENDPOINT):pub(MESSAGE))
      print("parent accepted, child " .. await(pid))
    ]], { ENDPOINT = nginx.h1 })
  end)

  for _, name in ipairs { "plain", "h1", "h2" } do
    it("after the first use leaves both sides fit, and the connection the parent's: " .. name, function()
      prints("parent accepted, child 0", [[
        local c = client(ENDPOINT)
        assert(c:pub(MESSAGE))
        local fd = iotmsg.pollable().pollfd
        local pid = child(function()
          for _ = 1, 3 do assert(c:pub(MESSAGE)) end
          assert(iotmsg.pollable().pollfd ~= fd, "the child waits on its parent's descriptor")
        end)
        for _ = 1, 10 do assert(c:pub(MESSAGE)) end
        assert(iotmsg.pollable().pollfd == fd)
        local status = await(pid)
        for _ = 1, 3 do assert(c:pub(MESSAGE)) end
        print("parent accepted, child " .. status)
      ]], { ENDPOINT = nginx[name] })
    end)
  end

  it("of a fork leaves all three fit", function()
    prints("done 0", [[
      local c = client(ENDPOINT)
      assert(c:pub(MESSAGE))
      local pid = child(function()
        assert(c:pub(MESSAGE))
        local grandchild = child(function() assert(c:pub(MESSAGE)) end)
        assert(c:pub(MESSAGE))
        assert(await(grandchild) == 0)
      end)
      assert(c:pub(MESSAGE))
      print("done " .. await(pid))
    ]], { ENDPOINT = nginx.h1 })
  end)

  for _, transport in ipairs { { tls = false }, { tls = true } } do
    it("with calls on the way: the parent's all end well, the child's as cancelled, " ..
      (transport.tls and "TLS" or "plain"), function()
      local door = server:open { tls = transport.tls, script = { { { "ok", delay_ms = 200 } } } }
      prints("parent accepted 24, child 0", [[
        local c = client(ENDPOINT, { max_connections = 8 })
        local tally = start(c, 20) -- some on the wire, some in the queue
        local held = start(client(ENDPOINT, { max_qps = 4, access_key_id = "LTAI-held", max_connections = 8 }), 4)
        posix.sleep_ms(100)
        local pid = child(function()
          assert(iotmsg.drain(5000))
          assert(once(tally, 20) == "cancelled/unknown 20", once(tally, 20))
          assert(once(held, 4) == "cancelled/unknown 4", once(held, 4))
          local own = start(c, 5)
          assert(iotmsg.drain(5000))
          assert(once(own, 5) == "accepted 5", once(own, 5))
          tally.calls[1]:cancel()
          assert(select(2, tally.calls[1]:wait()).kind == "cancelled")
        end)
        assert(iotmsg.drain(10000))
        once(tally, 20)
        once(held, 4)
        local status = await(pid)
        print(("parent accepted %d, child %d"):format(tally.ends.accepted + held.ends.accepted, status))
      ]], { ENDPOINT = door.endpoint })
      assert.equal(29, door:count().requests)
    end)
  end

  it("with a retry waiting: the child's ends as cancelled, the parent's goes on", function()
    local throttled = { "ok", status = "429 Too Many Requests", body = '{"Code":"Throttling","Success":false}',
      fields = "retry-after: 1\r\n" }
    local door = server:open { script = { { throttled, "ok" } } }
    prints("accepted 1, child 0", [[
      local tally = start(client(ENDPOINT, { retry = "safe" }), 1)
      iotmsg.poll(300)
      local pid = child(function()
        assert(iotmsg.drain(5000))
        assert(tally.ends["cancelled/unknown"] == 1, once(tally, 1))
      end)
      assert(iotmsg.drain(5000))
      print(once(tally, 1) .. ", child " .. await(pid))
    ]], { ENDPOINT = door.endpoint })
    assert.equal(2, door:count().requests)
  end)

  it("200 times while calls run hangs nobody", function()
    local found = prints("200 children, 0 failed", [[
      local c = client(ENDPOINT)
      local pids, failed, running, sent, ended = {}, 0, 0, 0, 0
      local function refill()
        while running < 40 do
          running, sent = running + 1, sent + 1
          assert(c:start("pub", MESSAGE, function(result, err)
            assert(result, tostring(err))
            running, ended = running - 1, ended + 1
          end))
        end
      end
      for number = 1, 200 do
        refill()
        iotmsg.poll(number % 3)
        pids[#pids + 1] = child(function()
          -- Not the inherited client's on_done: its counters are the parent's.
          if number % 4 == 0 then assert(client(ENDPOINT, { timeout_ms = 5000 }):prepare("pub", MESSAGE)) end
          local done = 0
          for _ = 1, number % 4 do
            assert(client(ENDPOINT):start("pub", MESSAGE, function(result, err)
              assert(result, tostring(err))
              done = done + 1
            end))
          end
          local deadline = os.time() + 8
          while done < number % 4 and os.time() < deadline do pcall(iotmsg.poll, 100) end
          assert(done == number % 4, "a child's own calls did not end")
        end)
        if #pids >= 4 then failed = failed + (await(table.remove(pids, 1)) == 0 and 0 or 1) end
      end
      while #pids > 0 do failed = failed + (await(table.remove(pids)) == 0 and 0 or 1) end
      assert(iotmsg.drain(10000))
      assert(sent == ended and running == 0)
      print("200 children, " .. failed .. " failed")
    ]], { ENDPOINT = nginx.h1 })
    assert(found.took_ms < 15000, found.took_ms)
  end)

  it("and exit of the child says nothing of the parent's calls and does not wait for them", function()
    local door = server:open { tls = true, script = { { "ok", { "ok", delay_ms = 800 } } } }
    prints("child 0, accepted 3", [[
      local c = client(ENDPOINT, { max_connections = 1 })
      assert(c:pub(MESSAGE))
      local tally = start(c, 3)
      posix.sleep_ms(50)
      io.stdout:flush()
      local pid = assert(posix.fork())
      if pid == 0 then os.exit(0, true) end
      local status
      for _ = 1, 100 do
        status = posix.waitpid(pid, true)
        if status ~= -1 then break end
        posix.sleep_ms(5)
      end
      assert(iotmsg.drain(5000))
      print("child " .. status .. ", " .. once(tally, 3))
    ]], { ENDPOINT = door.endpoint })
    assert.equal(1, door:count().connections)
  end)
end)

describe("exit without drain", function()
  local LEAVE = { "", "os.exit(0)", "os.exit(0, true)", "iotmsg = nil; collectgarbage(); os.exit(0, true)" }

  for _, leave in ipairs(LEAVE) do
    local how = leave == "" and "at the end of the program" or "by " .. leave

    it("delivers what is on the way, " .. how, function()
      local door = server:open { tls = true, script = { { { "ok", delay_ms = 2 } } } }
      for _ = 1, 3 do
        prints("started", [[
          start(client(ENDPOINT), 100)
          print "started"
          io.stdout:flush()
        ]] .. leave, { ENDPOINT = door.endpoint })
      end
      assert.equal(300, door:count().requests)
    end)

    it("waits a bounded moment for a silent server and says how many it left, " .. how, function()
      local door = server:open { tls = true, script = { { "silence" } } }
      local found = run([[
        start(client(ENDPOINT), 7)
        print "started"
        io.stdout:flush()
      ]] .. leave, { ENDPOINT = door.endpoint })
      assert.equal("started", found.output, found.errors)
      assert.equal(0, found.status)
      assert(found.took_ms < 3500, found.took_ms)
      local lines = select(2, found.errors:gsub("\n", ""))
      assert.equal(1, lines, found.errors)
      assert.truthy(found.errors:find("%f[%d]7 calls"), found.errors)
    end)
  end

  it("counts a call whose retry waits", function()
    local throttled = { "ok", status = "429 Too Many Requests", body = '{"Code":"Throttling","Success":false}',
      fields = "retry-after: 2\r\n" }
    local door = server:open { script = { { throttled, "ok" } } }
    local found = run([[
      start(client(ENDPOINT, { retry = "safe" }), 1)
      iotmsg.poll(300)
    ]], { ENDPOINT = door.endpoint })
    assert.equal(0, found.status)
    assert.truthy(found.errors:find("%f[%d]1 call%f[%A]"), found.errors)
  end)

  it("says nothing where everything has ended, and does not wait", function()
    local found = prints("accepted 50", [[
      local tally = start(client(ENDPOINT), 50)
      assert(iotmsg.drain(5000))
      print(once(tally, 50))
    ]], { ENDPOINT = nginx.h2 })
    assert(found.took_ms < 1000, found.took_ms)
  end)

  it("without any call starts nothing and is quick", function()
    local found = prints("1 thread", [[
      assert(client(ENDPOINT):prepare("pub", MESSAGE))
      print(posix.threads() .. " thread")
    ]], { ENDPOINT = nginx.h2 })
    assert(found.took_ms < 1000, found.took_ms)
  end)

  it("leaves a status and no crash, many times over", function()
    for number = 1, 20 do
      local found = run([[
        start(client(ENDPOINT), 30)
        os.exit(STATUS == "even", STATUS == "even")
      ]], { ENDPOINT = nginx.h1, STATUS = number % 2 == 0 and "even" or "odd" })
      assert.equal(number % 2 == 0 and 0 or 1, found.status, found.errors)
      assert.equal("", found.errors)
    end
  end)
end)

describe("Lua states", function()
  local CHUNK = [==[
    package.path, package.cpath = %q, %q
    local iotmsg = require "iotmsg"
    local c = assert(iotmsg.new { endpoint = %q, ca_file = %q, access_key_id = "LTAI-spec",
      access_key_secret = "spec-secret-0123", max_qps = false, retry = "off" })
    local message = { product_key = "a1Q5XoY", topic_full_name = "/a1Q5XoY/device1/user/get", payload = "x" }
    local accepted = 0
    for _ = 1, 100 do
      assert(c:start("pub", message, function(result) accepted = accepted + (result and 1 or 0) end))
    end
    if %q == "drain" then assert(iotmsg.drain(10000)) end
    return tostring(accepted)
  ]==]

  local function chunk(endpoint, how)
    return CHUNK:format(package.path, package.cpath, endpoint, server.ca_file, how)
  end

  it("share the engine, each with its own completions", function()
    for _, in_threads in ipairs { false, true } do
      assert.same({ "100", "100", "100", "100" }, posix.run_states(chunk(nginx.h1, "drain"), 4, in_threads))
    end
  end)

  it("may close with calls on the way, which still go out", function()
    local door = server:open { tls = true, script = { { { "ok", delay_ms = 5 } } } }
    for _, in_threads in ipairs { false, true } do
      assert.same({ "0", "0", "0" }, posix.run_states(chunk(door.endpoint, "leave"), 3, in_threads))
    end
    faults.wait_until(function() return door:count().requests == 600 end)
    assert.equal(600, door:count().requests)
    assert.same({ "100" }, posix.run_states(chunk(nginx.h1, "drain"), 1))
  end)
end)

describe("a process forked before it sent anything", function()
  local function output_of(code)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(code)
    file:close()
    local output = process.output_of(process.quote(process.interpreter()) .. " " .. path .. " 2>&1; echo status $?")
    os.remove(path)
    return output
  end

  it("has nonces of its own", function()
    local output = output_of [[
      local iotmsg, posix = require "iotmsg", require "spec.posix"
      local function nonce()
        local request = assert(iotmsg.prepare("pub", { product_key = "a1", topic_full_name = "/a1/d/user/get",
          payload = "x", endpoint = "https://127.0.0.1:1", access_key_id = "a", access_key_secret = "b" }))
        return request.headers["x-acs-signature-nonce"]
      end
      nonce()
      io.stdout:setvbuf("no")
      local child = posix.fork()
      print(nonce())
      if child == 0 then posix.exit_now(0) end
      posix.waitpid(child)]]
    local first, second = output:match("^(%S+)\n(%S+)\nstatus 0$")
    assert.is_truthy(first, output)
    assert.are_not.equal(first, second)
  end)

  it("does not share the descriptor that it waits on", function()
    local output = output_of [[
      local iotmsg, posix = require "iotmsg", require "spec.posix"
      local before = iotmsg.pollable():getfd()
      io.stdout:setvbuf("no")
      local child = posix.fork()
      if child == 0 then
        local own = iotmsg.pollable():getfd()
        assert(iotmsg.start("pub", { product_key = "a1", topic_full_name = "/a1/d/user/get", payload = "x",
          retry = "off", endpoint = "https://127.0.0.1:1", access_key_id = "a", access_key_secret = "b" })):wait()
        posix.exit_now(own and 0 or 1)
      end
      posix.waitpid(child)
      print(posix.is_readable(before))]]
    assert.equal("false\nstatus 0", output)
  end)
end)

describe("a finalizer that runs while the state closes", function()
  it("gets an error, not a crash", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write([[
      local late = newproxy and newproxy(true) or setmetatable({}, {})
      local mt = getmetatable(late)
      if not newproxy then mt = {} end
      mt.__gc = function() pcall(require("iotmsg").base64.encode, "x") end
      if not newproxy then setmetatable(late, mt) end
      kept = late
      require "iotmsg"]])
    file:close()
    local output = process.output_of(process.quote(process.interpreter()) .. " " .. path .. " 2>&1; echo status $?")
    os.remove(path)
    assert.equal("status 0", output)
  end)
end)
