/** What only an administrator may do, on the page of the admin listener. */
import { byId } from './dom.js';
import { storedToken } from './feed.js';
import { formatLatency } from './format.js';

/** @returns the answer. @throws Error with what the hub says */
async function ask(path, values = {}) {
  const token = storedToken();
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(values) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function reload() {
  const button = byId('reload');
  button.disabled = true;
  byId('reload-result').textContent = 'Loading…';
  byId('reload-error').textContent = '';
  try {
    const { generation, tookMs, pauseMs } = await ask('reload');
    const times = `after ${formatLatency(tookMs)}; no message waited longer than ${formatLatency(pauseMs)} for it`;
    byId('reload-result').textContent = `Generation ${generation} runs, ${times}.`;
  } catch (error) {
    byId('reload-result').textContent = '';
    byId('reload-error').textContent = `Nothing has changed: ${error.message}`;
  }
  button.disabled = false;
}

export function startAdmin() {
  byId('admin').hidden = false;
  byId('token-label').textContent = 'Token of the administrator';
  byId('token-hint').textContent = 'The hub’s option adminToken; its statsToken is enough to look.';
  byId('reload').addEventListener('click', reload);
}
