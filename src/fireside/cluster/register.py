"""The register: who hears what, in Valkey. Two scripts, each atomic there.

    fs:nodes        the nodes there are
    fs:node:{node}  the topics that a node has joined. It is its lease, too: it lapses unless the node is heard of
    fs:n:{node}     the channel that it alone hears

`TURN` is what a node has to say in one turn of its loop: that it lives, what it joins and leaves, and what it sends.
Each other node is asked once for all topics of the turn, and gets one envelope (see `envelopes`) with all that is for
it. One that does not hear its channel is gone, and so is what it had joined.

So the register heals itself. A node that died is taken out by the first who has something for it, or lapses; and one
whose lease is not known any more (it was away for too long, or this is another Valkey) is told so, and begins anew.
"""

import hashlib

LEASE_S = 10
"""A node that has not been heard of for so long is dead."""


class Script:
    """A script, and the name by which Valkey knows it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


# Who has joined which of many topics. What one call can be given is bounded by Lua's stack.
_COMMON = """
local function memberships(node, topics)
  local flags = {}
  for first = 1, #topics, 4000 do
    local last = math.min(first + 3999, #topics)
    local some = redis.call('SMISMEMBER', 'fs:node:' .. node, unpack(topics, first, last))
    for i, flag in ipairs(some) do flags[topics[first + i - 1]] = flag == 1 end
  end
  return flags
end
"""

TURN = Script(
    _COMMON
    + """
-- node, lease in ms, whether it is to hear its own heart beat, whether what it had joined is to be forgotten first,
-- how many topics it joins, these, how many it leaves, these,
-- how many lists of topics, of each: how many, these,
-- how many entries, of each: kind, body, a node or '', the number of a list or 0.
-- Returns whether it was known, how many envelopes went out, and the nodes that nobody hears.
local at = 0
local function take()
  at = at + 1
  return ARGV[at]
end
local function take_list()
  local count = tonumber(take())
  local first = at + 1
  at = at + count
  return first, at
end

local me, lease, beat, begins = take(), take(), take(), take()
local mine = 'fs:node:' .. me
local was_known = redis.call('EXISTS', mine)
if begins == '1' then redis.call('DEL', mine) end
redis.call('SADD', 'fs:nodes', me)
for _, command in ipairs({'SADD', 'SREM'}) do
  local first, last = take_list()
  for i = first, last, 4000 do redis.call(command, mine, unpack(ARGV, i, math.min(i + 3999, last))) end
end
redis.call('PEXPIRE', mine, lease)

local lists, topics, is_listed = {}, {}, {}
for n = 1, tonumber(take()) do
  local first, last = take_list()
  lists[n] = {first, last}
  for i = first, last do
    local topic = ARGV[i]
    if not is_listed[topic] then
      is_listed[topic] = true
      topics[#topics + 1] = topic
    end
  end
end

local entries, envelopes = {}, {}
for n = 1, tonumber(take()) do
  local kind, body, node, list = take(), take(), take(), tonumber(take())
  local rest = struct.pack('>I4', #body) .. body
  if list > 0 then
    entries[n] = {kind, list, rest}
  else
    envelopes[node] = envelopes[node] or {}
    table.insert(envelopes[node], kind .. '\\0\\0' .. rest)
    entries[n] = false
  end
end

for _, node in ipairs(#topics > 0 and redis.call('SMEMBERS', 'fs:nodes') or {}) do
  if node ~= me then
    local has, heard = memberships(node, topics), {}
    for n, list in ipairs(lists) do
      local names = {}
      for i = list[1], list[2] do
        local topic = ARGV[i]
        if has[topic] then names[#names + 1] = string.char(#topic) .. topic end
      end
      heard[n] = #names > 0 and struct.pack('>I2', #names) .. table.concat(names)
    end
    local envelope = envelopes[node] or {}
    for _, entry in ipairs(entries) do
      if entry and heard[entry[2]] then
        envelope[#envelope + 1] = entry[1] .. heard[entry[2]] .. entry[3]
      end
    end
    if #envelope > 0 then envelopes[node] = envelope end
  end
end

local sent, unheard = 0, {}
local function publish(node, envelope)
  if redis.call('PUBLISH', 'fs:n:' .. node, envelope) > 0 then
    sent = sent + 1
  else
    unheard[#unheard + 1] = node
    redis.call('SREM', 'fs:nodes', node)
    redis.call('DEL', 'fs:node:' .. node)
  end
end
for node, envelope in pairs(envelopes) do publish(node, table.concat(envelope)) end
if beat == '1' and redis.call('PUBLISH', 'fs:n:' .. me, '') == 0 then unheard[#unheard + 1] = me end
return {was_known, sent, unheard}
"""
)

JOINED = Script(
    _COMMON
    + """
-- Topics. Returns those that a node has joined which is alive.
local found = {}
for _, node in ipairs(redis.call('SMEMBERS', 'fs:nodes')) do
  if redis.call('EXISTS', 'fs:node:' .. node) == 0 then
    redis.call('SREM', 'fs:nodes', node)
  else
    for topic, has in pairs(memberships(node, ARGV)) do
      if has then found[topic] = true end
    end
  end
end
local list = {}
for topic in pairs(found) do list[#list + 1] = topic end
return list
"""
)
