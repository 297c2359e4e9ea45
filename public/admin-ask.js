/** Requests to the admin listener, and what became of them. */
import { byId } from './dom.js';
import { storedToken } from './feed.js';

/** @param values sent as JSON; without them it only reads. @throws Error with what the hub says */
export async function ask(path, values) {
  const token = storedToken();
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const change = values === undefined ? {} : { method: 'POST', body: JSON.stringify(values) };
  const response = await fetch(path, { headers, ...change });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

/** Does what a button is for, once at a time, and tells how it went: `work` returns a sentence. */
export async function act(button, failed, work) {
  button.disabled = true;
  byId('admin-result').textContent = 'Asking the hub…';
  byId('admin-error').textContent = '';
  try {
    byId('admin-result').textContent = await work();
  } catch (error) {
    byId('admin-result').textContent = '';
    byId('admin-error').textContent = `${failed}: ${error.message}`;
  }
  button.disabled = false;
}
