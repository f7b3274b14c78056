-- Every snippet of the README runs as it stands: Lua blocks as programs, sh blocks in a shell, against the emulator.

local emulator = require "spec.support.emulator"
local process = require "spec.support.process"

local function snippets()
  local file = assert(io.open("README.md", "rb"))
  local text = file:read("*a")
  file:close()
  local found, line = {}, 1
  for before, language, code in text:gmatch("(.-)```(%w*)\n(.-)```") do
    line = line + select(2, before:gsub("\n", "")) + 1
    found[#found + 1] = { language = language, code = code, line = line }
    line = line + select(2, code:gsub("\n", ""))
  end
  return found
end

-- Runs a command line in a folder; returns its exit status and what it printed. Through a file: a program that the
-- snippet leaves behind would hold a pipe open.
local function run(folder, command)
  local output = process.quote(folder .. "/output")
  local status = process.output_of(("cd %s && sh -c %s >%s 2>&1 </dev/null; echo $?"):format(process.quote(folder),
    process.quote(command), output))
  return tonumber(status), process.output_of("cat " .. output)
end

describe("README.md", function()
  local cloud, folder, environment

  setup(function()
    cloud = emulator.start()
    folder = process.output_of("umask 077; mktemp -d")
    local abi = _VERSION:match("%d%.%d")
    local root = process.output_of("pwd")
    local huawei = ("export IOTMSG_HUAWEI_ENDPOINT=%s HUAWEICLOUD_SDK_PROJECT_ID=%s HUAWEICLOUD_SDK_AK=%s "
      .. "HUAWEICLOUD_SDK_SK=%s\n"):format(cloud.huawei_endpoint, cloud.project_id, cloud.access_key_id,
      cloud.access_key_secret)
    environment = huawei .. ("export IOTMSG_ENDPOINT=%s IOTMSG_CA_FILE=%s ALIBABA_CLOUD_ACCESS_KEY_ID=%s "
      .. "ALIBABA_CLOUD_ACCESS_KEY_SECRET=%s\n"
      .. "export PATH=%s/build/%s/bin:$PATH\n"
      .. "unset MAKEFLAGS MFLAGS\nmake() { command make -C %s LUA=%s \"$@\"; }\n"):format(cloud.endpoint,
      cloud.ca_file, cloud.access_key_id, cloud.access_key_secret, root, abi, root, process.interpreter())
  end)

  teardown(function()
    cloud:stop()
    os.execute("rm -rf " .. process.quote(folder))
  end)

  local all = snippets()

  it("has snippets in Lua and sh only", function()
    assert.is_true(#all >= 8)
    for _, snippet in ipairs(all) do
      assert.is_truthy(snippet.language == "lua" or snippet.language == "sh", "line " .. snippet.line)
    end
  end)

  for _, snippet in ipairs(all) do
    it(("runs the %s snippet at line %d"):format(snippet.language, snippet.line), function()
      local path = folder .. "/snippet"
      local file = assert(io.open(path, "wb"))
      file:write(snippet.code)
      file:close()
      local status, output
      if snippet.language == "lua" then
        status, output = run(folder, environment .. "exec " .. process.quote(process.interpreter()) .. " snippet")
        assert.is_nil(output:find("iotmsg: [^t]"), output) -- no call failed, but for the one that shows a typo
      else
        status, output = run(folder, environment .. "trap 'kill $! 2>/dev/null || :' EXIT\nset -e\n" .. snippet.code)
      end
      assert.are.equal(0, status, output)
    end)
  end
end)
