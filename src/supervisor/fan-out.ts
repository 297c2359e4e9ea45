/**
 * What an administrator asks of several processes: whom to ask, and how their answers become one. Ids of connections have
 * their process before them (`2:17.1`). With a field `process`, one is asked alone. Supervisor's thread.
 */
import { HubError } from '../api/errors.js';
import { type AdminAnswer, problem } from '../hub/admin/admin-routes.js';
import { Fields } from '../hub/admin/fields.js';
import type { Reply, Values } from './ask.js';
import type { HubProcess } from './hub-process.js';
import { CHANGE_MS, type Whole } from './whole.js';

/** What each process is told with; undefined: it is not asked. */
type Answers = readonly { readonly one: HubProcess; readonly body: never }[];

const DEFAULT_LIMIT = 100;
/** What connections are sorted by, as they are told. */
const SORT_FIELDS: Readonly<Record<string, string>> = {
  age: 'ageSeconds',
  'buffered-bytes': 'bufferedBytes',
  'in-flight': 'inFlight',
  'in-flight-bytes': 'inFlightBytes',
};

type Told = Readonly<Record<string, unknown>> & { readonly id: string };

export class FanOut {
  readonly #whole: Whole;
  readonly #drain: () => void;

  /** @param drain as SIGTERM does */
  constructor(whole: Whole, drain: () => void) {
    this.#whole = whole;
    this.#drain = drain;
  }

  /** @param key method and path, with `:id`. @throws HubError `ERR_ARGUMENT` for a field that is not right */
  async run(key: string, given: Values): Promise<AdminAnswer> {
    const index = new Fields({ process: given.process }, ['process']).integer('process', 0, 63);
    const values = Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'process'));
    if (index !== undefined) {
      return this.#askOne(this.#find(index), key, values);
    }
    switch (key) {
      case 'GET /healthz':
        return { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' };
      case 'GET /readyz':
        return this.#whole.readiness();
      case 'GET /metrics':
        return {
          status: 200,
          type: 'text/plain; version=0.0.4; charset=utf-8',
          body: await this.#whole.metrics(),
        };
      case 'GET /stats': {
        const stats = await this.#whole.stats();
        return stats === undefined ? problem(503, 'no process answers') : json(stats);
      }
      case 'GET /topics':
        return this.#all(key, values, (answers) => json({ topics: sumTopics(answers) }));
      case 'GET /handlers':
        return this.#all(key, values, (answers) =>
          json({
            shards: answers.flatMap(({ one, body }) =>
              (body as { shards: object[] }).shards.map((shard) => ({ process: one.index, ...shard })),
            ),
          }),
        );
      case 'GET /connections':
        return values.sort === undefined ? this.#page(key, values) : this.#sorted(key, values);
      case 'GET /connections/:id':
        return this.#askOwner(key, values);
      case 'POST /disconnect':
        if (values.id !== undefined) return this.#askOwner(key, values);
        return this.#all(key, values, (answers) =>
          json({ closed: answers.reduce((sum, { body }) => sum + (body as { closed: number }).closed, 0) }),
        );
      case 'POST /drain':
        this.#drain();
        return json({ draining: true });
      case 'POST /reload':
        return this.#oneByOne(key, values);
      case 'POST /resize':
      case 'POST /log-level':
        return this.#all(key, values, ([first]) => json(first!.body));
      default:
        // What is published crosses by itself; of the rest, one is as good as another.
        return this.#askOne(this.#first(), key, values);
    }
  }

  #first(): HubProcess {
    const [first] = this.#whole.up;
    if (first === undefined) throw new HubError('ERR_HUB_STATE', 'no process serves');
    return first;
  }

  #find(index: number): HubProcess {
    const found = this.#whole.up.find((one) => one.index === index);
    if (found === undefined) throw new HubError('ERR_ARGUMENT', `process got ${index}, which does not serve`);
    return found;
  }

  async #askOne(one: HubProcess, key: string, values: Values): Promise<AdminAnswer> {
    return (await this.#ask(one, key, values)) ?? problem(503, `process ${one.index} does not answer`);
  }

  #ask(one: HubProcess, key: string, { id, ...values }: Values): Promise<Reply | undefined> {
    const [method = '', path = ''] = key.split(' ');
    const isPath = path.endsWith('/:id');
    const at = isPath ? path.replace(':id', encodeURIComponent(String(id))) : path;
    const rest = isPath || id === undefined ? values : { ...values, id };
    return this.#whole.ask(one, method, at, rest, method === 'GET' ? undefined : CHANGE_MS);
  }

  /** The connection's process is in its id. */
  async #askOwner(key: string, values: Values): Promise<AdminAnswer> {
    const { index, id } = parseId(new Fields({ id: values.id }, ['id']).need('id'), 'id');
    const answer = await this.#askOne(this.#find(index), key, { ...values, id });
    if (answer.status !== 200 || key.startsWith('POST')) return answer;
    return json(withProcess(index, JSON.parse(String(answer.body))));
  }

  /** What one refuses is the answer. Who does not answer is left out. */
  async #all(key: string, values: Values, merge: (answers: Answers) => AdminAnswer): Promise<AdminAnswer> {
    const replies = await Promise.all(
      this.#whole.up.map(async (one) => ({ one, reply: await this.#ask(one, key, values) })),
    );
    const refused = replies.find(({ reply }) => reply !== undefined && reply.status !== 200);
    if (refused !== undefined) return refused.reply!;
    const answers = replies.flatMap(({ one, reply }) =>
      reply === undefined ? [] : [{ one, body: JSON.parse(reply.body) as never }],
    );
    return answers.length === 0 ? problem(503, 'no process answers') : merge(answers);
  }

  /** The first one that refuses keeps the others from it. */
  async #oneByOne(key: string, values: Values): Promise<AdminAnswer> {
    let answer: AdminAnswer | undefined;
    for (const one of this.#whole.up) {
      answer = await this.#askOne(one, key, values);
      if (answer.status !== 200) return answer;
    }
    return answer ?? problem(503, 'no process answers');
  }

  /** One process after the other. */
  async #page(key: string, values: Values): Promise<AdminAnswer> {
    const { after, limit: _, ...filters } = values;
    const limit = new Fields({ limit: values.limit }, ['limit']).integer('limit', 1, 1000) ?? DEFAULT_LIMIT;
    const from = after === undefined ? undefined : parseId(String(after), 'after');
    const connections: Told[] = [];
    let total = 0;
    let next: string | undefined;
    for (const one of this.#whole.up) {
      if (from !== undefined && one.index < from.index) continue;
      const place = from?.index === one.index ? { after: from.id } : {};
      const asked = { ...filters, ...place, limit: Math.max(1, limit - connections.length) };
      const reply = await this.#ask(one, key, asked);
      if (reply === undefined) continue;
      if (reply.status !== 200) return reply;
      const told = JSON.parse(reply.body) as { total: number; connections: Told[]; next?: string };
      const room = limit - connections.length;
      total += told.total;
      connections.push(...told.connections.slice(0, room).map((each) => withProcess(one.index, each)));
      if (told.next !== undefined || told.connections.length > room) next = connections.at(-1)?.id;
    }
    return json({ total, connections, ...(next !== undefined && { next }) });
  }

  async #sorted(key: string, values: Values): Promise<AdminAnswer> {
    const limit = new Fields({ limit: values.limit }, ['limit']).integer('limit', 1, 1000) ?? DEFAULT_LIMIT;
    return this.#all(key, values, (answers) => {
      const all = answers.flatMap(({ one, body }) =>
        (body as { connections: Told[] }).connections.map((each) => withProcess(one.index, each)),
      );
      const field = SORT_FIELDS[String(values.sort)]!;
      all.sort((a, b) => Number(b[field]) - Number(a[field]));
      const total = answers.reduce((sum, { body }) => sum + (body as { total: number }).total, 0);
      return json({ total, connections: all.slice(0, limit) });
    });
  }
}

function withProcess(index: number, told: Told): Told {
  return { ...told, id: `${index}:${told.id}` };
}

/** @throws HubError `ERR_ARGUMENT` */
function parseId(text: string, field: string): { readonly index: number; readonly id: string } {
  const [, index, id] = /^(\d+):(.+)$/.exec(text) ?? [];
  if (index === undefined || id === undefined)
    throw new HubError(
      'ERR_ARGUMENT',
      `${field} got "${text}" but takes an id with its process, such as 0:17.1`,
    );
  return { index: Number(index), id };
}

function sumTopics(answers: Answers): { topic: string; subscribers: number }[] {
  const sums = new Map<string, number>();
  for (const { body } of answers)
    for (const { topic, subscribers } of (body as { topics: { topic: string; subscribers: number }[] })
      .topics)
      sums.set(topic, (sums.get(topic) ?? 0) + subscribers);
  return [...sums].map(([topic, subscribers]) => ({ topic, subscribers }));
}

function json(value: unknown): AdminAnswer {
  return { status: 200, type: 'application/json', body: JSON.stringify(value) };
}
