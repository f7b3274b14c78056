-- What was given as options: a token, or access keys. The settings themselves serve as the credentials.

---@param settings table
---@return iotmsg.Credentials?
return function(settings)
  if settings.auth_token or settings.access_key_id then return settings end
end
