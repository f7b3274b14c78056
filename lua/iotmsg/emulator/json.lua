-- JSON for the emulator, its own like its Base64: values read with their place in the text, so that a number or an
-- object can be passed on exactly as it was written, and documents written from fields in order.

local read = require "iotmsg.emulator.json_reader"

local concat, format, sub = table.concat, string.format, string.sub

local json = {}

---@param text string
---@return iotmsg.emulator.json|nil node nil when the text is not exactly one JSON value in UTF-8
function json.decode(text)
  return read(text)
end

---@param text string what was decoded
---@param node iotmsg.emulator.json
---@return string the value exactly as it was written
function json.source(text, node)
  return sub(text, node.from, node.to)
end

local escapes = { ["\""] = "\\\"", ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
for code = 0, 31 do
  local char = string.char(code)
  escapes[char] = escapes[char] or format("\\u%04x", code)
end

---@param text string JSON to be embedded as it is
---@return table
function json.raw(text)
  return { raw = text }
end

---@param value any a string, a boolean, an integer, `json.raw`, a list of values, or { fields = { { name, value },
---  … } } in order; a field whose value is nil is left out
---@return string
function json.encode(value)
  if type(value) == "string" then
    return "\"" .. value:gsub("[%z\1-\31\"\\]", escapes) .. "\""
  elseif type(value) == "number" then
    return format("%.0f", value)
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif value.raw then
    return value.raw
  end
  local out = {}
  if not value.fields then
    for index, item in ipairs(value) do
      out[index] = json.encode(item)
    end
    return "[" .. concat(out, ",") .. "]"
  end
  for _, field in ipairs(value.fields) do
    if field[2] ~= nil then
      out[#out + 1] = json.encode(field[1]) .. ":" .. json.encode(field[2])
    end
  end
  return "{" .. concat(out, ",") .. "}"
end

return json
