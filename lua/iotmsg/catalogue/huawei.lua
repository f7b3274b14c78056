-- Huawei's error codes: what each means for the caller. Sources: Huawei Cloud IoTDA, "Error Codes"; API Gateway, "Error
-- Codes"; what is marked so was seen by users and is documented nowhere. Pure.

local verdict = require "iotmsg.catalogue.verdict"

local M = {}

local AUTH, WHO, REFUSED, DEVICE = verdict.AUTH, verdict.WHO, verdict.REFUSED, verdict.DEVICE
local THROTTLED, SERVER = verdict.THROTTLED, verdict.SERVER

local CODES = {}

local function add(meaning, codes)
  for code in codes:gmatch("%S+") do CODES[code] = meaning end
end

-- IoTDA.
add(SERVER, "IOTDA.000001")
add(WHO, "IOTDA.000002 IOTDA.000004")
add(AUTH, "IOTDA.000021") -- seen by users
add(REFUSED, [[
  IOTDA.000006 IOTDA.000008 IOTDA.000009 IOTDA.000010 IOTDA.000011 IOTDA.000012 IOTDA.000013 IOTDA.000014 IOTDA.000015
  IOTDA.000016 IOTDA.000017 IOTDA.000018 IOTDA.000029 IOTDA.014000 IOTDA.014031 ]]) -- 000029, 014000: seen by users
add(DEVICE, "IOTDA.014016 IOTDA.014028 IOTDA.014111 IOTDA.014112")
add(THROTTLED, "IOTDA.014102 IOTDA.021101 IOTDA.021102")

-- API Gateway; older ones write APIG for APIGW. 0201 stands for too many things: its status decides.
add(REFUSED, "APIGW.0101 APIGW.0103 APIGW.0104 APIGW.0105 APIGW.0106")
add(WHO, "APIGW.0301")
add(AUTH, "APIGW.0302 APIGW.0303")
add(THROTTLED, "APIGW.0308")

---@param code string? the vendor's code
---@param status integer
---@return table verdict kind, outcome, retryable
function M.verdict(code, status)
  local known = code and CODES[(code:upper():gsub("^APIG%.", "APIGW."))]
  return known or verdict.by_status(status)
end

local function text_of(value)
  if type(value) == "string" and value ~= "" or type(value) == "number" then return tostring(value) end
end

local function read(body)
  local code = text_of(body.error_code) or text_of(body.errorCode)
  local message = text_of(body.error_msg) or text_of(body.errorMsg)
  if not code and not message and (body.code ~= nil or body.message ~= nil) and body.message_id == nil then
    code, message = text_of(body.code), text_of(body.message)
  end
  return code, message or text_of(body.encoded_authorization_message)
end

---Finds the error in a body, in the shapes that the vendor's SDKs accept: error_code and error_msg, errorCode and
---errorMsg, code and message, and any of them one level down.
---@param body table
---@return string? code
---@return string? message
function M.error_of(body)
  local code, message = read(body)
  if code then return code, message end
  local names = {}
  for name, item in pairs(body) do
    if type(name) == "string" and type(item) == "table" and name ~= "result" then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local inner_code, inner_message = read(body[name])
    if inner_code then return inner_code, inner_message end
    message = message or inner_message
  end
  return nil, message
end

-- The code for a message_id that was used before is documented nowhere, so it is known by its words, and only asked
-- about where an earlier try of ours may have been the first use.
local DUPLICATE = { "duplicat", "already exist", "already been used", "repeated", "not unique", "重复", "已存在" }

---@param message string?
---@return boolean
function M.is_duplicate(message)
  local lower = (message or ""):lower()
  for _, words in ipairs(DUPLICATE) do
    if lower:find(words, 1, true) then return true end
  end
  return false
end

return M
