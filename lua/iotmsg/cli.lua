-- The command line. `iotmsg emulator …` starts the local cloud.

local M = {}

function M.main(argv)
  if argv[1] == "emulator" then
    table.remove(argv, 1)
    return require("iotmsg.emulator").main(argv)
  end
  return 2
end

return M
