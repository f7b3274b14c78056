-- Carries a rule's deed out on one request: before the front door sees it, instead of it, and on its reply. What
-- concerns bytes on the connection is only noted in the reply, for http_reply.lua.

local cqueues = require "cqueues"

local misbehaviour = {}

local HTML = "<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n"
  .. "<hr><center>gateway</center>\r\n</body>\r\n</html>\r\n"

local function instead_of_the_door(deed, door, request)
  if deed.error then
    return door:refuse(request, {
      status = deed.error.status or 400,
      code = deed.error.code or "InternalError",
      message = deed.error.message or "The emulator was told to answer so.",
    })
  elseif deed.throttle then
    return door:refuse(request, door:throttled(request))
  elseif deed.html then
    return { status = deed.html, body = HTML:format(deed.html, deed.html), content_type = "text/html" }
  elseif deed.reply then
    return {
      status = deed.reply.status or 200, body = deed.reply.body or "",
      content_type = deed.reply.content_type or "application/json",
    }
  end
end

---@param deed table as rules.lua describes it
---@param door table the front door that accepts the request
---@param request table
---@return iotmsg.emulator.reply
function misbehaviour.answer(deed, door, request)
  if deed.delay_ms then
    cqueues.sleep(deed.delay_ms / 1000)
  end
  request.clock_offset_s = deed.clock_offset_s
  local answer
  if deed.cut == "before" then
    answer = { status = 0, body = "", content_type = "" }
  else
    answer = instead_of_the_door(deed, door, request) or door:handle(request)
  end
  if deed.huge and #answer.body < deed.huge then
    answer.padding = deed.huge - #answer.body
  end
  answer.cut, answer.double, answer.clock_offset_s = deed.cut, deed.double, deed.clock_offset_s
  answer.action = answer.action or door:describe(request).action
  answer.told = next(deed) ~= nil
  return answer
end

return misbehaviour
