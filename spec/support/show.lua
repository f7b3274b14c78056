-- Values as they can stand in the name of a test: one printable line, not too long.

---@param value any
---@return string
return function(value)
  if type(value) == "string" then
    local text = value:gsub("[^\32-\126]", function(char) return ("\\x%02X"):format(char:byte()) end)
    return #text <= 60 and '"' .. text .. '"' or ('"%s…" (%d bytes)'):format(text:sub(1, 40), #value)
  end
  return type(value) == "table" and "a table" or type(value) .. " " .. tostring(value):gsub(" ?0x.*", "")
end
