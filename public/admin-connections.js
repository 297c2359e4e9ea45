/** The connections of the hub, in pages: each can be looked into and closed. */
import { act, ask } from './admin-ask.js';
import { byId, create, onSubmit } from './dom.js';
import { count, formatSize } from './format.js';

const PAGE = 50;
const FIELDS = ['user', 'topic', 'route', 'sort'];
const DISCONNECT_FAILED = 'Nothing was closed';

/** What the list was asked with: its next page is of the same. */
let asked = {};
let next;

function query() {
  const filled = FIELDS.map((field) => [field, byId(`admin-${field}`).value.trim()]);
  return Object.fromEntries(filled.filter(([, value]) => value !== ''));
}

async function show(values) {
  const answer = await ask(
    `connections?${new URLSearchParams({ ...asked, ...values, limit: String(PAGE) })}`,
  );
  const body = byId('admin-connections').tBodies[0];
  if (values.after === undefined) body.replaceChildren();
  body.append(...answer.connections.map(rowOf));
  next = answer.next;
  byId('admin-connections').hidden = answer.total === 0;
  byId('admin-more').hidden = next === undefined;
  return `${count(body.rows.length)} of ${count(answer.total + (values.after === undefined ? 0 : body.rows.length - answer.connections.length))} connections.`;
}

function rowOf({ id, user = '–', route, shard, remoteAddress, ageSeconds, inFlight, bufferedBytes }) {
  const row = create('tr');
  const texts = [id, user, route, shard, remoteAddress, `${count(ageSeconds)} s`, count(inFlight)];
  row.append(...[...texts, formatSize(bufferedBytes)].map((text) => create('td', '', text)));
  const look = button('Look', `Look into connection ${id}`, async () => {
    byId('admin-details').textContent = JSON.stringify(await ask(`connections/${id}`), undefined, 2);
    byId('admin-details').hidden = false;
    return `Connection ${id}, with its queues.`;
  });
  const close = button('Close', `Close connection ${id}`, async () => {
    const { closed } = await ask('disconnect', { id });
    row.remove();
    return closed === 1 ? `Connection ${id} was closed.` : `Connection ${id} had gone.`;
  });
  const cell = create('td', 'buttons');
  cell.append(look, close);
  row.append(cell);
  return row;
}

function button(text, label, work) {
  const element = create('button', '', text);
  element.type = 'button';
  element.setAttribute('aria-label', label);
  element.addEventListener('click', () => act(element, DISCONNECT_FAILED, work));
  return element;
}

export function startConnections() {
  onSubmit('admin-connections-form', () =>
    act(byId('admin-list'), 'No list', () => {
      asked = query();
      byId('admin-details').hidden = true;
      return show({});
    }),
  );
  byId('admin-more').addEventListener('click', () =>
    act(byId('admin-more'), 'No list', () => show({ after: next })),
  );
  byId('admin-disconnect').addEventListener('click', () =>
    act(byId('admin-disconnect'), DISCONNECT_FAILED, async () => {
      const { sort, ...filters } = query();
      const { closed } = await ask('disconnect', filters);
      return `${count(closed)} connections were closed.`;
    }),
  );
}
