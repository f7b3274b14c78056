-- The command line: a face of the operations for shells. Flags are the operations' parameters and the client's
-- options in kebab case; results go to stdout as JSON, errors to stderr as one line. Exit status: 0 accepted,
-- 1 rejected, 2 wrong use, 3 outcome unknown, 4 not sent (safe to repeat).

local client_of = require "iotmsg.client"
local call_of = require "iotmsg.call"
local json = require "iotmsg.json"
local families = require "iotmsg.family"
local text = require "iotmsg.text"
local version = require "iotmsg.version"

local M = {}

local ACCEPTED, REJECTED, WRONG_USE, UNKNOWN, NOT_SENT = 0, 1, 2, 3, 4
local STATUS = { rejected = REJECTED, unknown = UNKNOWN, not_sent = NOT_SENT }
-- A batch exits with the worst of its lines.
local SEVERITY = { [ACCEPTED] = 0, [NOT_SENT] = 1, [WRONG_USE] = 2, [REJECTED] = 3, [UNKNOWN] = 4 }

-- Secrets on a command line can be read by every user of the machine.
local FROM_ENVIRONMENT = {
  aliyun = {
    access_key_id = "ALIBABA_CLOUD_ACCESS_KEY_ID",
    access_key_secret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    security_token = "ALIBABA_CLOUD_SECURITY_TOKEN",
  },
  huawei = {
    access_key_id = "HUAWEICLOUD_SDK_AK",
    access_key_secret = "HUAWEICLOUD_SDK_SK",
    security_token = "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    auth_token = "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
    username = "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
    password = "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
  },
}

local BATCH_WINDOW = 256
local ERROR_FIELDS = { "kind", "outcome", "message", "code", "field", "http_status", "request_id", "retryable",
  "retry_after_ms", "attempts", "message_id", "result" }

-- The commands: every operation but the generic one, whose parameters are tables.
---@type table<string, { method: string, family_name: string, operation: table, options: iotmsg.Options }>
local COMMANDS = {}
for family_name, family in pairs(families) do
  for method, operation in pairs(family.operations) do
    if operation.name ~= "call" then
      COMMANDS[operation.name:gsub("_", "-")] = { method = method, family_name = family_name, operation = operation,
        options = family.options }
    end
  end
end

local function usage()
  local commands = {}
  for command in pairs(COMMANDS) do commands[#commands + 1] = command end
  table.sort(commands)
  return ([=[
usage: iotmsg COMMAND --NAME VALUE … [--dry-run [--reveal]] [--batch]
       iotmsg emulator [--help]
       iotmsg --version

COMMAND is one of: %s.
NAME is a parameter of the operation or an option of the client, with hyphens: --product-key, --timeout-ms.
--payload -        the payload is read from standard input
--user-property K=V  may be repeated
--dry-run          prints the request as a curl command line, secrets masked, and sends nothing
--batch            reads one JSON object of parameters a line, writes one JSON object a line, in order of completion
Exit status: 0 accepted, 1 rejected, 2 wrong use, 3 outcome unknown, 4 not sent (safe to repeat).
]=]):format(table.concat(commands, ", "))
end

local function fail(message)
  io.stderr:write("iotmsg: ", message, "\n")
  return nil
end

local function rule_of(command, name)
  if FROM_ENVIRONMENT[command.family_name][name] then return nil end
  local rule = command.operation.rules.by_name[name] or command.options.rules.by_name[name]
  if rule and rule.type ~= "function" then return rule end
end

-- Words of a shell are text; a rule says what they stand for.
local function typed(rule, word)
  if rule.type == "integer" then return tonumber(word) or word end
  if rule.type == "boolean" then
    if word == "true" then return true end
    if word == "false" then return false end
  elseif rule.name == "max_qps" then
    if word == "false" then return false end
    return tonumber(word) or word
  end
  return word
end

local SWITCHES = { ["--dry-run"] = "dry_run", ["--reveal"] = "reveal", ["--batch"] = "batch" }

local function no_flag(command, flag)
  local name = flag:sub(3):gsub("-", "_")
  local variable = FROM_ENVIRONMENT[command.family_name][name]
  if variable then
    return fail(("%s cannot be given on the command line, where others can read it: set %s"):format(flag, variable))
  end
  local flags = { "--batch", "--dry-run", "--user-property" }
  for _, rules in ipairs { command.operation.rules, command.options.rules } do
    for _, rule in ipairs(rules.list) do
      if rule_of(command, rule.name) then flags[#flags + 1] = "--" .. rule.name:gsub("_", "-") end
    end
  end
  if SWITCHES[flag] then return fail(flag .. " takes no value") end
  local nearest = text.nearest(flag, flags)
  return fail(("unknown flag %s%s"):format(flag, nearest and ("; did you mean " .. nearest .. "?") or ""))
end

-- Reads the words after the command; nil after a complaint.
local function parse(command, words)
  local params, switches = {}, {}
  local at = 1
  while at <= #words do
    local flag, value = words[at]:match("^(%-%-[%w-]+)=(.*)$")
    flag = flag or words[at]
    local rule = flag:find("^%-%-") and rule_of(command, (flag:sub(3):gsub("-", "_")))
    if SWITCHES[flag] and not value then
      switches[SWITCHES[flag]] = true
    elseif not rule and flag ~= "--user-property" then
      return no_flag(command, flag)
    else
      local next_word = words[at + 1]
      if not value and rule and rule.type == "boolean" and next_word ~= "true" and next_word ~= "false" then
        value = "true"
      elseif not value then
        at, value = at + 1, next_word
      end
      if not value then return fail(flag .. " needs a value") end
      if rule then
        params[rule.name] = typed(rule, value)
      else
        local key, property = value:match("^([^=]+)=(.*)$")
        if not key then return fail("--user-property needs KEY=VALUE") end
        params.user_properties = params.user_properties or {}
        table.insert(params.user_properties, { key, property })
      end
    end
    at = at + 1
  end
  return params, switches
end

local function status_of(err)
  if err.kind == "invalid_argument" then return WRONG_USE end
  return STATUS[err.outcome]
end

local function result_line(result, err, line)
  local shown
  if result then
    shown = { message_id = result.message_id, request_id = result.request_id, http_status = result.http_status,
      attempts = result.attempts, result = result.result, duplicate = result.duplicate }
  else
    shown = { error = {} }
    for _, name in ipairs(ERROR_FIELDS) do shown.error[name] = err[name] end
  end
  shown.line = line
  local encoded = json.encode(shown, "result")
  if not encoded then -- a vendor's text that is not UTF-8
    local texts = shown.error or shown
    for name, value in pairs(texts) do
      if type(value) == "string" then texts[name] = value:gsub("[\128-\255]", "?") end
    end
    encoded = assert(json.encode(shown, "result"))
  end
  return encoded .. "\n"
end

local function send_one(client, command, params)
  local result, err = client[command.method](client, params)
  if result then
    io.stdout:write(result_line(result))
    return ACCEPTED
  end
  io.stderr:write(tostring(err), "\n")
  return status_of(err)
end

local function print_dry(client, command, params, reveal)
  local request, err = client:prepare(command.method, params)
  if request then
    io.stdout:write(request:curl { reveal = reveal }, "\n")
    return ACCEPTED
  end
  io.stderr:write(tostring(err), "\n")
  return status_of(err)
end

local function merged(defaults, own)
  local params = {}
  for name, value in pairs(defaults) do params[name] = value end
  for name, value in pairs(own) do params[name] = value end
  return params
end

local function send_batch(client, command, defaults)
  io.stdout:setvbuf("line")
  local worst, under_way, number = ACCEPTED, 0, 0
  local window = math.min(BATCH_WINDOW, type(defaults.max_pending) == "number" and defaults.max_pending or BATCH_WINDOW)
  local function report(line, result, err)
    io.stdout:write(result_line(result, err, line))
    local status = result and ACCEPTED or status_of(err)
    if SEVERITY[status] > SEVERITY[worst] then worst = status end
  end
  for line in io.stdin:lines() do
    number = number + 1
    local mine, own = number, json.decode_keeping(line, "payload")
    if line:find("%S") and not own then
      io.stdout:write(('{"error":{"kind":"invalid_argument","message":"not a JSON object","outcome":"not_sent"},'
        .. '"line":%d}\n'):format(mine))
      if SEVERITY[WRONG_USE] > SEVERITY[worst] then worst = WRONG_USE end
    elseif own then
      local call, err = client:start(command.method, merged(defaults, own), function(result, failure)
        under_way = under_way - 1
        report(mine, result, failure)
      end)
      if call then under_way = under_way + 1 else report(mine, nil, err) end
      while under_way >= window do call_of.poll(1000) end
      call_of.poll(0)
    end
  end
  call_of.drain()
  return worst
end

local function run(command, words)
  local params, switches = parse(command, words)
  if not params then return WRONG_USE end
  local mixed = switches.reveal and not switches.dry_run and "--reveal has a meaning only with --dry-run"
    or switches.batch and switches.dry_run and "--batch and --dry-run exclude each other"
    or switches.batch and params.payload == "-" and "--batch and --payload - both read standard input"
  if mixed then
    fail(mixed)
    return WRONG_USE
  end
  local client, err = client_of.new(command.family_name)
  if not client then
    io.stderr:write(tostring(err), "\n")
    return status_of(err)
  end
  if params.payload == "-" then params.payload = io.stdin:read("*a") end
  if switches.dry_run then return print_dry(client, command, params, switches.reveal) end
  if switches.batch then return send_batch(client, command, params) end
  return send_one(client, command, params)
end

local function main(argv)
  local words = {}
  for i = 2, #argv do words[#words + 1] = argv[i] end
  local command = argv[1]
  if command == "emulator" then return require("iotmsg.emulator").main(words) end
  if command == "--version" then
    io.stdout:write("iotmsg ", version, "\n")
    return ACCEPTED
  end
  if command == "--help" or command == "help" then
    io.stdout:write(usage())
    return ACCEPTED
  end
  if COMMANDS[command] and words[1] == "--help" then
    io.stdout:write(usage())
    return ACCEPTED
  end
  if COMMANDS[command] then return run(COMMANDS[command], words) end
  fail(command and ("no command is called " .. command) or "a command is missing")
  io.stderr:write(usage())
  return WRONG_USE
end

---@param argv string[] the words after the program's name
---@return integer exit status
function M.main(argv)
  local ok, status = pcall(main, argv)
  if ok then return status end
  fail(tostring(status)) -- our own fault; nobody can say how far it got
  return UNKNOWN
end

return M
