/**
 * The scripts by which a topic's history is written and read: each is one step of the server, so the order of a history is
 * the order in which it is published.
 *
 * A topic has a hash (`e` its epoch, `o` its last offset, `l` the lineage in which they were made) and a stream, whose ids
 * are `offset-time`: offsets leave no number out, so what is missing is known from the numbers.
 *
 * **Lineage.** A server that restarts from a snapshot, or a replica that takes over, may have lost publications whose positions
 * were told; offsets would then be given out twice. So all histories of a server belong to a lineage, which ends with the
 * process (`run_id`), and when it takes over (`master_replid`), unless it is known that nothing can be lost (see `isDurable` in open-link.ts); in another lineage, a
 * topic has another epoch. In a cluster, where a key of all topics is out of reach, it is the process itself.
 */

import { createHash } from 'node:crypto';

/** What the server is asked to run: by its hash, once it has seen it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** What is known of a topic outlives its history by so long, so that positions are not taken for those of a later one. */
const META_MS = 7 * 86_400_000;
/** The same for one that nothing was ever published on. */
const UNUSED_MS = 3_600_000;
/** Bytes of publications, or of entries, in one answer: none is larger by more than one. */
const MAX_READ_BYTES = 4 * 1024 * 1024;
/** Publications that are taken from the stream at once. */
const CHUNK = 100;

const PROCESS = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local process = run .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%w+)')
`;

/** KEYS[1] lineage; ARGV[1] a new one, ARGV[2] `run_id` of a server that has lost nothing, or empty. */
export const CLAIM = `${PROCESS}
local known = redis.call('HMGET', KEYS[1], 'process', 'id')
if known[1] == process then return known[2] end
local id = known[2]
if not id or ARGV[2] ~= run then id = ARGV[1] end
redis.call('HSET', KEYS[1], 'process', process, 'id', id)
return id
`;

/** What both scripts need. KEYS[1] meta, KEYS[2] history; ARGV[1] text that is new. */
const COMMON = `
local function lineage(key)
  local id = key and redis.call('HGET', key, 'id')
  if id then return id end
  ${PROCESS}
  if not key then return process end
  redis.call('HSET', key, 'process', process, 'id', ARGV[1])
  return ARGV[1]
end

local function topic(line)
  local meta = redis.call('HMGET', KEYS[1], 'e', 'o', 'l')
  local epoch, offset = meta[1], tonumber(meta[2] or 0)
  if meta[3] ~= line then
    epoch = ARGV[1]
    redis.call('HSET', KEYS[1], 'e', epoch, 'o', offset, 'l', line)
    if not meta[1] then redis.call('DEL', KEYS[2]) end
  end
  return epoch, offset
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function split(id)
  local offset, ms = string.match(id, '(%d+)-(%d+)')
  return tonumber(offset), tonumber(ms)
end

local function expire(before)
  while true do
    local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
    if not oldest then return end
    local offset, ms = split(oldest[1])
    if ms > before then return end
    redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', offset + 1))
  end
end

local function keep(ms)
  if redis.call('PTTL', KEYS[1]) < ms / 2 then redis.call('PEXPIRE', KEYS[1], ms) end
end
`;

/**
 * KEYS meta, history, id, lineage (if there is one). ARGV new text, payload, size, ttlMs, ms that the id is remembered (0 if
 * there is none), verb of publishing, channel; and if the publication is an entry of the stream of other programs, which is
 * KEYS[3] then, the entry's id: one that is not there (any more) is not published. Returns epoch and offset.
 */
export const APPEND = script(`${COMMON}
local epoch, offset = topic(lineage(KEYS[4]))
local entry = ARGV[8]
if entry and #redis.call('XRANGE', KEYS[3], entry, entry) == 0 then return {epoch, offset} end
local hasId = ARGV[5] ~= '0'
if hasId then
  local before = redis.call('GET', KEYS[3])
  if before then return {epoch, tonumber(before)} end
end
local ttl = tonumber(ARGV[4])
local ms = now()
offset = redis.call('HINCRBY', KEYS[1], 'o', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], string.format('%.0f-%.0f', offset, ms), 'd', ARGV[2])
expire(ms - ttl)
redis.call('PEXPIRE', KEYS[2], ttl)
keep(${META_MS} + ttl)
if hasId then redis.call('SET', KEYS[3], offset, 'PX', ARGV[5]) end
if entry then redis.call('XDEL', KEYS[3], entry) end
redis.call(ARGV[6], ARGV[7], epoch .. ' ' .. string.format('%.0f', offset) .. ' ' .. ARGV[2])
return {epoch, offset}
`);

/**
 * KEYS meta, history, lineage (if there is one). ARGV new text, epoch and offset of the position (empty without one), limit, ttlMs,
 * and where to begin without a position, or with one of another epoch: then the newest come first. Returns epoch, offset, 1 if it
 * reaches back, 1 if there are more in the direction of reading, and for each publication its offset and payload.
 */
export const READ = script(`${COMMON}
local epoch, last = topic(lineage(KEYS[3]))
local after, limit, ttl = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
expire(now() - ttl)
if last == 0 then keep(${UNUSED_MS}) else keep(${META_MS} + ttl) end
local result, bytes, count = {epoch, last, 0, 0}, 0, 0
local function put(entry)
  local offset = split(entry[1])
  result[#result + 1] = offset
  result[#result + 1] = entry[2][2]
  count = count + 1
  bytes = bytes + #entry[2][2]
  return offset
end
if ARGV[2] ~= epoch then
  if ARGV[2] == '' then result[3] = 1 end
  local at = ARGV[6]
  while count < limit do
    local chunk = redis.call('XREVRANGE', KEYS[2], at, '-', 'COUNT', math.min(${CHUNK}, limit - count))
    if #chunk == 0 then break end
    for _, entry in ipairs(chunk) do
      if bytes >= ${MAX_READ_BYTES} then
        result[4] = 1
        return result
      end
      at = string.format('%.0f', put(entry) - 1)
    end
  end
  return result
end
local at = after
while at < last do
  local chunk = redis.call('XRANGE', KEYS[2], string.format('%.0f', at + 1), '+', 'COUNT', math.min(${CHUNK}, limit + 1 - count))
  if #chunk == 0 then break end
  if count == 0 and split(chunk[1][1]) == after + 1 then result[3] = 1 end
  for _, entry in ipairs(chunk) do
    if count >= limit or bytes >= ${MAX_READ_BYTES} then
      result[4] = 1
      return result
    end
    at = put(entry)
  end
end
if after == last then result[3] = 1 end
return result
`);

/**
 * KEYS stream of other programs, who looks at it. ARGV new text, node, ms that it may look, limit. Returns entries, or 0 while
 * another node looks. Whoever may not delete takes nothing: it would publish what it takes again and again.
 */
export const TAKE_RAW = script(`
redis.call('XDEL', KEYS[1], '0-0')
local by = redis.call('GET', KEYS[2])
if by and by ~= ARGV[2] then return 0 end
local entries = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[4])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) / 2 then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
local result, bytes = {}, 0
for _, entry in ipairs(entries) do
  if bytes >= ${MAX_READ_BYTES} then break end
  result[#result + 1] = entry
  for _, text in ipairs(entry[2]) do bytes = bytes + #text end
end
return result
`);

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
