-- A request that was prepared and not sent: what a user reads, compares, or hands to curl. Pure.

local mask = require "iotmsg.mask"

local M = {}

local Request = {}
Request.__index = Request
Request.__name = "iotmsg.Request"

function Request.__tostring(request)
  return "iotmsg.Request: " .. request.method .. " " .. request.url:match("^[^?]*")
end

local function shell_quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

---The request as a curl command line. Signatures and tokens are masked, for tickets and logs, unless revealed.
---@param options { reveal: boolean? }?
---@return string
function Request:curl(options)
  local private = getmetatable(self).private[self]
  local reveal = type(options) == "table" and options.reveal == true
  local function quote(word)
    return shell_quote(reveal and word or mask.text(word, private.secrets))
  end
  local words = { "curl", "--globoff", "-X", self.method, quote(self.url) }
  local names = {}
  for name in pairs(self.headers) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    words[#words + 1] = "-H " .. quote(name .. ": " .. self.headers[name])
  end
  words[#words + 1] = "--data-binary " .. quote(self.body)
  for _, word in ipairs(private.transport) do words[#words + 1] = quote(word) end
  return table.concat(words, " ")
end

-- What curl needs and nobody else should see, kept apart so that printing a request's fields shows no secret of ours
-- but what is signed.
Request.private = setmetatable({}, { __mode = "k" })

local function transport_words(settings)
  local words = {}
  local function add(flag, value)
    if value then
      words[#words + 1] = flag
      words[#words + 1] = value
    end
  end
  add("--cacert", settings.ca_file)
  add("--cert", settings.client_cert)
  add("--key", settings.client_key)
  add("--proxy", settings.proxy)
  if not settings.tls_verify then words[#words + 1] = "--insecure" end
  return words
end

---@param signed iotmsg.Request
---@param settings table
---@param secrets string[]
---@return iotmsg.Request
function M.new(signed, settings, secrets)
  local request = {
    method = signed.method,
    url = signed.url,
    headers = signed.headers,
    body = signed.body,
    string_to_sign = signed.string_to_sign,
    canonical_request = signed.canonical_request,
  }
  secrets[#secrets + 1] = settings.proxy and settings.proxy:match("^%w+://([^/]*)@")
  Request.private[request] = { transport = transport_words(settings), secrets = secrets }
  return setmetatable(request, Request)
end

return M
