-- busted's output for this project: what failed, as it fails, and at the end the one line that says how it went.
-- A test that was skipped counts as failed: nothing here may be passed over.

local function of_handler()
  local handler = require "busted.outputHandlers.base"()
  local busted = require "busted"

  local function complain(kind)
    return function(element, parent, message, debug)
      local name = handler.getFullName(element) or tostring(element.name)
      local trace = type(debug) == "table" and (debug.traceback or debug.message) or ""
      io.stdout:write(kind, ": ", name, "\n  ", tostring(message or parent), "\n", tostring(trace or ""), "\n")
      io.stdout:flush()
      return nil, true
    end
  end

  local function on_suite_end()
    local failed = handler.failuresCount + handler.errorsCount + handler.pendingsCount
    io.stdout:write(("%d passed, %d failed\n"):format(handler.successesCount, failed))
    io.stdout:flush()
    return nil, true
  end

  local function on_pending(element)
    io.stdout:write("SKIPPED: ", handler.getFullName(element), "\n")
    return nil, true
  end

  busted.subscribe({ "failure" }, complain("FAILED"), { priority = 2 })
  busted.subscribe({ "error" }, complain("ERROR"), { priority = 2 })
  busted.subscribe({ "pending" }, on_pending, { priority = 2 })
  busted.subscribe({ "suite", "end" }, on_suite_end)
  return handler
end

return of_handler
