-- Reply headers of HTTP/2 as plain literals. lua-http 0.4 writes an integer that fills its HPACK prefix (an index of
-- 63, a length of 127) without the byte that must follow (RFC 7541 section 5.1), and the peer breaks off.

local hpack = {}

local function encode_string(text)
  local size = #text
  if size < 127 then
    return string.char(size) .. text
  end
  local bytes = { string.char(127) }
  size = size - 127
  while size >= 128 do
    bytes[#bytes + 1], size = string.char(128 + size % 128), math.floor(size / 128)
  end
  return table.concat(bytes) .. string.char(size) .. text
end

local function encode_headers(context, headers)
  for name, value in headers:each() do
    context:append_data("\0" .. encode_string(name) .. encode_string(value))
  end
  return true
end

---Makes a stream's connection write its headers so; does nothing on HTTP/1.1.
---@param stream table of lua-http
function hpack.use_literals(stream)
  local context = stream.connection.encoding_context
  if context then
    context.encode_headers = encode_headers
  end
end

return hpack
