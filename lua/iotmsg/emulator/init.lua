-- `iotmsg emulator`: a local cloud. Assembles certificate, broker, front doors and server, and stops them in
-- order. It shares no code with the client or its signers, so that each checks the other.

-- Debian packages lua-http for Lua 5.1 only; its pure-Lua files run on every Lua.
local function find_lua_http()
  if not pcall(require, "http.server") then
    package.path = package.path .. ";/usr/share/lua/5.1/?.lua;/usr/share/lua/5.1/?/init.lua"
  end
end

local emulator = {}

local HINT = "install lua-http, lua-cqueues and lua-luaossl (Debian: apt install lua-http)"

local function load_modules()
  find_lua_http()
  local modules = {}
  for _, name in ipairs({
    "announcement", "broker", "certificate", "cloud", "dispatch", "keeper", "presence", "server",
  }) do
    local ok, module = pcall(require, "iotmsg.emulator." .. name)
    if not ok then
      return nil, ("%s: %s"):format(HINT, tostring(module):match("[^\n]*"))
    end
    modules[name] = module
  end
  return modules
end

-- The private broker tells of every subscription; what listens to it runs beside everything else.
local function start_broker(modules, options, queue)
  if options.mqtt then
    return modules.broker.use(options.mqtt.host, options.mqtt.port)
  end
  local presence = modules.presence.new()
  local broker, problem = modules.broker.start(function(line)
    local filter = presence:note(line)
    for _, listener in ipairs(filter and presence.listeners or {}) do
      queue:wrap(listener, filter)
    end
  end)
  if broker then
    broker.presence = presence
  end
  return broker, problem
end

-- Fills `running` step by step, so that whatever was started can be stopped when a later step fails.
local function start(modules, options, running, queue)
  local problem
  if not options.plain then
    local folder = options.dir
    if not folder then
      running.keeper, problem = modules.keeper.start()
      if not running.keeper then
        return nil, problem
      end
      folder = running.keeper.folder
    end
    running.identity, problem = modules.certificate.load_or_make(folder, options.listen.host)
    if not running.identity then
      return nil, problem
    end
  end
  running.broker, problem = start_broker(modules, options, queue)
  if not running.broker then
    return nil, problem
  end
  local publisher = running.broker.publisher
  local doors, rules = modules.cloud.new(options, function(message)
    return publisher:publish(message)
  end, running.broker.presence)
  local dispatch = modules.dispatch.new(doors, rules, not options.quiet and io.stderr or nil)
  running.server, problem = modules.server.listen({
    host = options.listen.host,
    port = options.listen.port,
    identity = running.identity,
    handle = dispatch.handle,
    failure = dispatch.failure,
    report = function(text)
      if not options.quiet then
        io.stderr:write("iotmsg emulator: ", text, "\n")
      end
    end,
  })
  return running.server, problem
end

local function stop(running)
  if running.broker then
    running.broker.publisher:stop()
    if running.broker.keeper then
      running.broker.keeper:stop()
    end
  end
  if running.keeper then
    running.keeper:stop()
  end
end

---Runs the emulator until SIGTERM or SIGINT.
---@param options iotmsg.emulator.options
---@return boolean|nil ok
---@return string|nil problem
function emulator.run(options)
  local modules, problem = load_modules()
  if not modules then
    return nil, problem
  end
  local cqueues = require "cqueues"
  local signal = require "cqueues.signal"
  math.randomseed(os.time())
  local queue, running = cqueues.new(), {}
  local ok, finished
  queue:wrap(function()
    ok, problem = start(modules, options, running, queue)
    if ok then
      -- Only now: programs started before must not inherit blocked signals.
      signal.block(signal.SIGTERM, signal.SIGINT)
      signal.ignore(signal.SIGPIPE)
      local asked_to_stop = signal.listen(signal.SIGTERM, signal.SIGINT)
      running.broker.publisher:run(queue)
      queue:wrap(function()
        asked_to_stop:wait()
        running.server:stop()
      end)
      modules.announcement.write(io.stdout, options, running)
      running.server:run()
    end
    finished = true
  end)
  while not finished do
    local stepped, thrown = queue:step()
    if not stepped and not ok then
      problem, finished = tostring(thrown), true
    elseif not stepped then
      io.stderr:write("iotmsg emulator: internal error: ", tostring(thrown), "\n")
    end
  end
  stop(running)
  return ok, problem
end

---The subcommand `iotmsg emulator`.
---@param argv string[] the words after `emulator`
---@return integer exit status: 0 stopped as asked, 1 could not run, 2 wrong use
function emulator.main(argv)
  local parser = require "iotmsg.emulator.options"
  local options, problem = parser.parse(argv)
  if not options then
    io.stderr:write("iotmsg emulator: ", problem, " (see iotmsg emulator --help)\n")
    return 2
  end
  if options.help then
    io.stdout:write(parser.USAGE)
    return 0
  end
  local ok
  ok, problem = emulator.run(options)
  if not ok then
    io.stderr:write("iotmsg emulator: ", problem or "failed", "\n")
    return 1
  end
  return 0
end

return emulator
