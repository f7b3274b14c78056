-- Access keys given as options.

---@param settings table
---@return iotmsg.Credentials?
return function(settings)
  if settings.access_key_id then return settings end
end
