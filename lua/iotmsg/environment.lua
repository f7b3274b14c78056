-- The environment, read once, when the module loads: nginx clears it in its workers, and what was there when the
-- master loaded us is what the administrator meant. The only file that calls os.getenv.

local NAMES = {
  "ALIBABA_CLOUD_ACCESS_KEY_ID",
  "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
  "ALIBABA_CLOUD_SECURITY_TOKEN",
  "ALIBABA_CLOUD_REGION_ID",
  "HUAWEICLOUD_SDK_AK",
  "HUAWEICLOUD_SDK_SK",
  "HUAWEICLOUD_SDK_SECURITY_TOKEN",
  "HUAWEICLOUD_SDK_PROJECT_ID",
  "HUAWEICLOUD_SDK_IAM_ENDPOINT",
  "IOTMSG_ENDPOINT",
  "IOTMSG_HUAWEI_ENDPOINT",
  "IOTMSG_IOT_INSTANCE_ID",
  "IOTMSG_CA_FILE",
}

---@type table<string, string>
local M = {}

for _, name in ipairs(NAMES) do
  local value = os.getenv(name)
  if value ~= "" then M[name] = value end -- an empty variable is an unset one
end

return M
