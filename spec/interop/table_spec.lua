-- Makes the table "operation x parameter x accepted in the official SDK's wire form", build/interop/parameters.md. A
-- cell is earned: the SDK was called with the parameter, and iotmsg puts the same value under the same name. Where
-- that cannot be, the cell says why, and a cell that says nothing is a failure.

local capture = require "spec.interop.capture"
local families = require "iotmsg.family"
local huawei = require "spec.interop.huawei"
local operations = require "spec.interop.operations"
local pair = require "spec.interop.pair"

local PATH = "build/interop/parameters.md"

local LEGEND = [[
# Parameters of iotmsg in the wire form of the vendors' SDKs

Written by `make interop`. A cell tells where the SDK puts the parameter: called with it, the SDK sent the same value
under the same name as iotmsg did. A dash stands before the reason why it does not send one. The typed SDKs know the
place themselves; @alicloud/openapi-client and @huaweicloud/huaweicloud-sdk-core know no operations and are told it by
this suite, as the vendor's typed clients tell them; @alicloud/pop-core puts everything into the form.
]]

local function equal(left, right)
  return (pcall(function() assert.are.same(left, right) end))
end

local function lacks(why)
  return "— " .. why
end

-- Where a request has a parameter: under its name or, if that is a list, under names that begin with it.
local function find(request, name)
  for _, place in ipairs { "query", "form" } do
    local found
    for key, value in pairs(request[place]) do
      if key == name or key:sub(1, #name + 1) == name .. "." then
        found = found or {}
        found[key] = value
      end
    end
    if found then return place, found end
  end
end

local function rpc_cell(client, parameter, prepared, sent)
  local theirs = parameter.theirs
  if not theirs then return lacks(parameter.reason) end
  if client.unknown and client.unknown[theirs] then return lacks(client.unknown[theirs]) end
  local place, value = find(sent, theirs)
  local own_place, own_value = find(prepared, theirs)
  if not place or not equal(value, own_value) then return nil end
  local spelled = client.spells and client.spells[theirs]
  local cell = spelled and ("%s, as %s for %s"):format(place, spelled[1], spelled[2]) or place
  if place == own_place then return cell end
  -- Signature V1 covers query and form as one, and the cloud reads them as one.
  return client.sdk.signature == "v1" and ("%s; %s by iotmsg, for V1 the same"):format(cell, own_place) or nil
end

local function of_path(request)
  local project_id, device_id = request.path:match("^/v5/iot/([^/]+)/devices/([^/]+)/messages$")
  return { project_id = project_id, device_id = device_id }
end

local function member_of(fields, name)
  for part in name:gmatch("[^.]+") do fields = type(fields) == "table" and fields[part] or nil end
  return fields
end

local HUAWEI_PLACES = {
  path = function(request, name) return of_path(request)[name] end,
  header = function(request, name) return request.headers[name:lower()] end,
  body = function(request, name) return member_of(request.fields, name) end,
}

local function huawei_cell(parameter, prepared, sent)
  local read = HUAWEI_PLACES[parameter.where]
  local value = read(sent, parameter.theirs)
  if value == nil or not equal(value, read(prepared, parameter.theirs)) then return nil end
  return parameter.where
end

-- title, columns, and rows of { iotmsg's name, the vendor's, a cell for each column }
local function section(title, columns, rows)
  local lines = { "## " .. title, "", "| iotmsg | vendor | " .. table.concat(columns, " | ") .. " |",
    "|---|---" .. ("|---"):rep(#columns) .. "|" }
  local empty = {}
  for _, row in ipairs(rows) do
    for index = 1, #columns + 2 do
      if (row[index] or "") == "" then
        row[index] = ""
        empty[#empty + 1] = row[1] .. ": " .. (columns[index - 2] or "name")
      end
    end
    lines[#lines + 1] = "| " .. table.concat(row, " | ") .. " |"
  end
  return table.concat(lines, "\n") .. "\n", empty
end

local function rpc_section(server, operation)
  local columns, rows = {}, {}
  local parameters = operation.parameters(operations.PAYLOADS[1])
  for index, parameter in ipairs(parameters) do rows[index] = { parameter.ours, parameter.theirs or "—" } end
  for _, client in ipairs(operation.clients) do
    columns[#columns + 1] = client.sdk.name
    local prepared, sent = pair.rpc(server, operation, client, operations.PAYLOADS[1])
    for index, parameter in ipairs(parameters) do
      rows[index][#columns + 2] = rpc_cell(client, parameter, prepared, sent)
    end
  end
  for _, lacking in ipairs(operation.lacking or {}) do
    columns[#columns + 1] = lacking.sdk.name
    for _, row in ipairs(rows) do row[#columns + 2] = lacks(lacking.why) end
  end
  return parameters, section(operation.action, columns, rows)
end

local function has(case, parameter)
  for _, other in ipairs(case.parameters) do
    if other.ours == parameter.ours then return true end
  end
  return parameter.ours == "message_id"
end

local function huawei_section(server)
  local columns, rows = {}, {}
  local parameters = huawei.parameters()
  for index, parameter in ipairs(parameters) do rows[index] = { parameter.ours, parameter.theirs } end
  for _, sdk in ipairs(huawei.clients) do
    columns[#columns + 1] = sdk.name
    for _, case in ipairs(huawei.cases) do
      local prepared, sent = pair.huawei(server, sdk, case)
      for index, parameter in ipairs(parameters) do
        if has(case, parameter) then
          local cell = huawei_cell(parameter, prepared, sent)
          local row, at = rows[index], #columns + 2
          row[at] = row[at] ~= "" and cell or "" -- in every message that has it
        end
      end
    end
  end
  return parameters, section(huawei.ACTION, columns, rows)
end

describe("the table of parameters", function()
  local server
  local sections = {}

  setup(function() server = capture.start() end)

  teardown(function() server:stop() end)

  -- One row for each rule of the operation, and in each row a cell for each SDK.
  local function keep(own, parameters, text, empty)
    local ours, rows = {}, {}
    for name in pairs(own.rules.by_name) do ours[name] = true end
    for _, parameter in ipairs(parameters) do rows[parameter.ours] = true end
    assert.are.same(ours, rows)
    sections[#sections + 1] = text
    assert.are.same({}, empty)
  end

  for _, operation in ipairs(operations.all) do
    it("has no empty cell for " .. operation.action, function()
      keep(families.aliyun.operations[operation.name], rpc_section(server, operation))
    end)
  end

  it("has no empty cell for " .. huawei.ACTION, function()
    keep(families.huawei.operations.send, huawei_section(server))
  end)

  it("is written whole", function()
    local count = 1 -- huawei.send
    for name in pairs(families.aliyun.operations) do
      count = count + (name == "call" and 0 or 1) -- which has no parameters of a vendor's
    end
    assert.are.equal(count, #sections)
    local file = assert(io.open(PATH, "wb"))
    file:write(LEGEND, "\n", table.concat(sections, "\n"))
    file:close()
  end)
end)
