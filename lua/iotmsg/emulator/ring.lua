-- A memory of bounded size: a map that forgets its oldest key when it is full. Every part of the emulator
-- that remembers what callers did keeps it in one of these, so that no caller can make it grow for ever.

local ring = {}
ring.__index = ring

---@param max integer how many keys are kept
---@return table ring
function ring.new(max)
  return setmetatable({ max = max, at = 0, slots = {}, entries = {} }, ring)
end

---@param key any
---@return any value nil when the key is not, or no longer, known
function ring:get(key)
  local entry = self.entries[key]
  return entry and entry.value
end

---Sets a key; a new one takes the place of the oldest when the ring is full.
---@param key any
---@param value any
function ring:put(key, value)
  local entry = self.entries[key]
  if entry then
    entry.value = value
    return
  end
  self.at = self.at % self.max + 1
  local oldest = self.slots[self.at]
  if oldest and self.entries[oldest.key] == oldest then
    self.entries[oldest.key] = nil
  end
  entry = { key = key, value = value }
  self.slots[self.at], self.entries[key] = entry, entry
end

---@param key any
function ring:remove(key)
  self.entries[key] = nil
end

---@return fun(): any, any each key and its value, in no order; the ring must not be changed meanwhile
function ring:each()
  local key, entry
  return function()
    key, entry = next(self.entries, key)
    return key, entry and entry.value
  end
end

return ring
