-- Takes secrets out of text that others wrote: a gateway that refuses a signature echoes what it signed. Pure.

local M = {}

local MASK = "***"

local function percent(text)
  return (text:gsub("[^%w_.~-]", function(char) return ("%%%02X"):format(char:byte()) end))
end

local function lower_hex(text)
  return (text:gsub("%%%x%x", string.lower))
end

-- A secret in the spellings in which it can come back: as it is, percent-encoded once, and twice.
local function spellings(secrets)
  local list = {}
  for _, secret in ipairs(secrets) do
    local once = percent(secret)
    if secret ~= "" then list[#list + 1] = secret end
    if once ~= secret then
      list[#list + 1] = once
      list[#list + 1] = lower_hex(once)
      list[#list + 1] = percent(once)
    end
  end
  table.sort(list, function(a, b) return #a > #b end)
  return list
end

local function replace(text, list)
  for _, secret in ipairs(list) do
    local from, to = text:find(secret, 1, true)
    while from do
      text = text:sub(1, from - 1) .. MASK .. text:sub(to + 1)
      from, to = text:find(secret, from + #MASK, true)
    end
  end
  return text
end

local function walk(value, list)
  if type(value) == "string" then return replace(value, list) end
  if type(value) == "table" then
    local masked = {}
    for key, item in pairs(value) do masked[walk(key, list)] = walk(item, list) end
    return masked
  end
  return value
end

-- What others wrote; the rest is ours, and a secret that happens to be the word "auth" must not destroy it.
local THEIRS = { "message", "code", "request_id", "body", "result" }

---Masks what others wrote into an error.
---@param err iotmsg.Error
---@param secrets string[]
function M.apply(err, secrets)
  local list = spellings(secrets)
  for _, name in ipairs(THEIRS) do err[name] = walk(err[name], list) end
end

---@param text string
---@param secrets string[]
---@return string
function M.text(text, secrets)
  return replace(text, spellings(secrets))
end

return M
