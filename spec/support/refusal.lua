-- What every refused argument has in common.

local Error = require "iotmsg.error"
local assert = require "luassert"

---Asserts that a call was refused before anything was sent.
---@param res any the call's first value
---@param err any its second
---@param field string the offending parameter or option
---@param ... string words that the message must contain
return function(res, err, field, ...)
  assert.is_nil(res)
  assert.is_true(Error.is(err))
  assert.equal("invalid_argument", err.kind, err.message)
  assert.equal(field, err.field, err.message)
  assert.equal("not_sent", err.outcome)
  assert.is_false(err.retryable)
  assert.equal(0, err.attempts)
  assert.is_nil(tostring(err):find("[%c\127]"))
  for i = 1, select("#", ...) do
    local words = select(i, ...)
    assert.is_truthy(err.message:find(words, 1, true), ("%q is not in %q"):format(words, err.message))
  end
end
