/** What only an administrator may do, on the page of the admin listener: as `shardhub admin` does. */
import { act, ask } from './admin-ask.js';
import { startConnections } from './admin-connections.js';
import { byId, onSubmit } from './dom.js';
import { count, formatLatency } from './format.js';

const UNCHANGED = 'Nothing has changed';

async function reload() {
  const { generation, tookMs, pauseMs } = await ask('reload', {});
  const times = `after ${formatLatency(tookMs)}; no message waited longer than ${formatLatency(pauseMs)} for it`;
  return `Generation ${generation} runs, ${times}.`;
}

/** Without a topic: to everybody. */
async function publish() {
  const [topic, data] = [byId('admin-publish-topic').value, byId('admin-data').value];
  if (topic === '') return `Sent to ${count((await ask('broadcast', { data })).queued)} connections.`;
  const { queued, offset } = await ask('publish', { topic, data });
  return queued === undefined ? `Published, at offset ${offset}.` : `Sent to ${count(queued)} subscribers.`;
}

async function presence() {
  const topic = byId('admin-presence-topic').value;
  const { members, missingNodes } = await ask(`presence?${new URLSearchParams({ topic })}`);
  byId('admin-details').textContent = JSON.stringify(members, undefined, 2);
  byId('admin-details').hidden = false;
  const missing = missingNodes.length === 0 ? '' : `; ${count(missingNodes.length)} hubs have not answered`;
  return `${count(members.length)} are subscribed to ${topic}${missing}.`;
}

async function setLevel() {
  const { level } = await ask('log-level', { level: byId('admin-level').value });
  return `The log tells what is ${level} and above.`;
}

async function profile() {
  const [shard, seconds] = [byId('admin-shard').value.trim(), Number(byId('admin-seconds').value)];
  const body = { seconds, ...(shard !== '' && { shard: Number(shard) }) };
  const answer = await ask('profile', body);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify(answer)], { type: 'application/json' }));
  link.download = `${shard === '' ? 'io' : `worker-${shard}`}.cpuprofile`;
  link.click();
  URL.revokeObjectURL(link.href);
  return `${link.download} is for the developer tools of Chrome.`;
}

async function drain() {
  if (!byId('admin-drain-sure').checked) throw new Error('check that you mean it');
  await ask('drain', {});
  return 'The hub drains.';
}

const BUTTONS = { reload, 'admin-drain': drain };
const FORMS = {
  'admin-publish': publish,
  'admin-presence': presence,
  'admin-log': setLevel,
  'admin-profile': profile,
};

export function startAdmin() {
  byId('admin').hidden = false;
  byId('token-label').textContent = 'Token of the administrator';
  byId('token-hint').textContent = 'The hub’s option adminToken; its statsToken is enough to look.';
  for (const [id, work] of Object.entries(BUTTONS))
    byId(id).addEventListener('click', () => act(byId(id), UNCHANGED, work));
  for (const [id, work] of Object.entries(FORMS))
    onSubmit(id, () => act(byId(id).querySelector('button'), UNCHANGED, work));
  startConnections();
}
