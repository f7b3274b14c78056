-- Reads the JSON body of a device message: unknown fields, types, lengths and alphabets, as the vendor documents
-- them. Where its pages and its SDKs differ, the looser one counts. What a field means is the action's business.

local json = require "iotmsg.emulator.json"
local packet = require "iotmsg.emulator.mqtt_packet"
local unicode = require "iotmsg.emulator.unicode"

local field = {}

local ID = "^[A-Za-z0-9_-]+$"
local TTL_MAX = 1440
local PROPERTIES_MAX = 20

local function refusal(name, reason)
  return { status = 400, code = "IOTDA.000006", message = ("Invalid input. %s %s."):format(name, reason) }
end

-- Han characters count as letters; the pattern names the ASCII characters allowed besides.
local function is_text_of(text, ascii)
  for _, character in (text:gsub(ascii, "")):gmatch("()([^\128-\191][\128-\191]*)") do
    local first, second, third, fourth = character:byte(1, 4)
    if not third then
      return false
    end
    local code = fourth and 0x20000 or (first - 224) * 4096 + (second - 128) * 64 + third - 128
    if not fourth and not ((code >= 0x3400 and code <= 0x9FFF) or (code >= 0xF900 and code <= 0xFAFF)) then
      return false
    end
  end
  return true
end

-- A string of at most so many characters, all of the kind named.
local function text(max, ascii, description)
  return function(name, node)
    if node.kind ~= "string" then
      return nil, refusal(name, "is not a string")
    elseif unicode.length(node.value) > max then
      return nil, refusal(name, ("has more than %d characters"):format(max))
    elseif not is_text_of(node.value, ascii) then
      return nil, refusal(name, "has characters other than " .. description)
    end
    return node.value
  end
end

local function id(name, node)
  if node.kind ~= "string" or #node.value > 128 or not node.value:find(ID) then
    return nil, refusal(name, "is not 1 to 128 letters, digits, underscores and hyphens")
  end
  return node.value
end

local function one_of(first, second)
  return function(name, node)
    if node.kind ~= "string" or (node.value ~= first and node.value ~= second) then
      return nil, refusal(name, ("is neither %s nor %s"):format(first, second))
    end
    return node.value
  end
end

-- MQTT 5 forbids wildcards in a response topic too, though the vendor's alphabet for it has them.
local function topic(name, node)
  if node.kind ~= "string" or unicode.length(node.value) > 128 or not packet.is_topic(node.value) then
    return nil, refusal(name, "is not a topic of 1 to 128 characters")
  end
  return node.value
end

local function ttl(name, node, source)
  local minutes = node.kind == "number" and json.source(source, node):find("^%d+$") and node.value
  if not minutes or minutes > TTL_MAX or minutes % 5 ~= 0 then
    return nil, refusal(name, "is not a multiple of 5 in 0..1440")
  end
  return minutes
end

local function message(name, node)
  if node.kind ~= "string" and node.kind ~= "object" then
    return nil, refusal(name, "is neither a string nor an object")
  end
  return node
end

local read_fields

local function object(declared)
  return function(name, node, source)
    if node.kind ~= "object" then
      return nil, refusal(name, "is not an object")
    end
    return read_fields(declared, node, source, name .. ".")
  end
end

local USER_PROPERTY = {
  prop_key = text(128, "[A-Za-z0-9_-]", "letters, digits, underscores and hyphens"),
  prop_value = text(128, "[A-Za-z0-9 _?'#().,&%%@!-]", "letters, digits, spaces and _?'#().,&%@!-"),
}

local function user_properties(name, node, source)
  if node.kind ~= "array" then
    return nil, refusal(name, "is not an array")
  elseif #node.value > PROPERTIES_MAX then
    return nil, refusal(name, ("has more than %d properties"):format(PROPERTIES_MAX))
  end
  local found, read = {}, object(USER_PROPERTY)
  for index, item in ipairs(node.value) do
    local pair, problem = read(("%s[%d]"):format(name, index - 1), item, source)
    if not pair then
      return nil, problem
    end
    found[index] = { pair.prop_key or "", pair.prop_value or "" }
  end
  return found
end

local RESPONSE_TOPIC_TEXT = text(128, "[A-Za-z0-9_?=$#+/-]", "letters, digits and _-?=$#+/")

local MESSAGE = {
  message_id = id,
  name = text(128, "[A-Za-z0-9_?'#().,&%%@!-]", "letters, digits and _?'#().,&%@!-"),
  message = message,
  encoding = one_of("none", "base64"),
  payload_format = one_of("standard", "raw"),
  topic = topic,
  topic_full_name = topic,
  ttl = ttl,
  properties = object({
    correlation_data = text(128, "[A-Za-z0-9_-]", "letters, digits, underscores and hyphens"),
    response_topic = function(name, node)
      local given, problem = RESPONSE_TOPIC_TEXT(name, node)
      if not given then
        return nil, problem
      end
      return topic(name, node)
    end,
    user_properties = user_properties,
  }),
}

-- A field that is null counts as not sent.
read_fields = function(declared, node, source, prefix)
  local values = {}
  for _, name in ipairs(node.names) do
    local read, given = declared[name], node.value[name]
    if not read then
      return nil, refusal(prefix .. name:sub(1, 80):gsub("[^%w%p ]", "?"), "is not a field of this request")
    end
    if given.kind ~= "null" then
      local value, problem = read(prefix .. name, given, source)
      if value == nil then
        return nil, problem
      end
      values[name] = value
    end
  end
  return values
end

---@param body string
---@return table|nil values by field name; `message` stays a JSON node, `user_properties` become pairs
---@return table|nil problem { status, code, message }
function field.read_message(body)
  local node = json.decode(body)
  if not node or node.kind ~= "object" then
    return nil, { status = 400, code = "IOTDA.000008", message = "The body is not a JSON object." }
  end
  local values, problem = read_fields(MESSAGE, node, body, "")
  if not values then
    return nil, problem
  elseif not values.message then
    return nil, refusal("message", "is missing")
  elseif values.topic and values.topic_full_name then
    return nil, refusal("topic", "and topic_full_name exclude each other")
  end
  return values
end

---@param name string for the error
---@param given string
---@return table|nil problem
function field.check_id(name, given)
  local _, problem = id(name, { kind = "string", value = given })
  return problem
end

field.refusal = refusal

return field
