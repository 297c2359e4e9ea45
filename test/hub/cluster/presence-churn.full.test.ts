/**
 * Presence of 1,000 users on three nodes while they come and go, the server is restarted and a node is killed. The oracle is
 * what the test has connected, never what a hub says.
 */
import { createHub, type Hub } from 'shardhub';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Prng } from '../../../src/testing/prng.js';
import { startServer } from '../../support/broker/remote.js';
import { ClusterClient, userFromQuery } from '../../support/clients/cluster-client.js';
import { startHubProcess } from '../../support/processes/processes.js';
import { fixture } from '../../support/servers/hubs.js';
import { hasNatsServer, NatsServer } from '../../support/servers/nats-server.js';
import { DURABLE, hasRedisServer, RedisServer } from '../../support/servers/redis-server.js';
import { until } from '../../support/until.js';

if (process.env.CI === 'true' && !(hasNatsServer && hasRedisServer))
  throw new Error('nats-server and redis-server have to be installed');
if (!hasNatsServer) console.log('skipped: nats-server is not installed (apt-get install nats-server)');
if (!hasRedisServer) console.log('skipped: redis-server is not installed (apt-get install redis-server)');

const USERS = 1000;
const ROUNDS = 6;
/** Of a round: users who get a connection more or lose one. */
const CHURN = 200;
const TOPIC = 'room';
const DEATH = 'those who were on the dead node to be gone';
const options = {
  workers: 1,
  handler: fixture('cluster.mjs'),
  topics: { [TOPIC]: { presence: true, joinLeave: true } },
  logLevel: 'silent',
} as const;

interface Member {
  readonly node: number;
  readonly client: ClusterClient;
}

/** What is connected, and what every hub has to have told of it. */
class Oracle {
  readonly members = new Map<string, Member[]>();
  /** `+user` and `-user`, in the order of each user. */
  readonly told: string[] = [];
  readonly #url: (node: number) => string;

  constructor(url: (node: number) => string) {
    this.#url = url;
  }

  /** @param isBack it has never been away, for others */
  async join(user: string, node: number, isBack = false): Promise<void> {
    const client = await ClusterClient.connect(this.#url(node), { userId: user });
    const members = this.members.get(user) ?? [];
    if (members.length === 0 && !isBack) this.told.push(`+${user}`);
    this.members.set(user, [...members, { node, client }]);
    await client.call('subscribe', TOPIC);
  }

  async leave(user: string): Promise<void> {
    const [{ client } = {}, ...rest] = this.members.get(user) ?? [];
    this.members.set(user, rest);
    if (rest.length === 0) this.told.push(`-${user}`);
    await client?.client.close();
  }

  /** A node is gone. @returns users that had a connection there */
  lose(node: number): string[] {
    const victims = [...this.members].filter(([, members]) => members.some((one) => one.node === node));
    for (const [user, members] of victims)
      this.members.set(
        user,
        members.filter((one) => one.node !== node),
      );
    return victims.map(([user]) => user);
  }

  get users(): string[] {
    return [...this.members].flatMap(([user, { length }]) => (length > 0 ? [user] : [])).sort();
  }

  get connections(): number {
    return [...this.members.values()].reduce((sum, { length }) => sum + length, 0);
  }
}

/** A hub of this process, what it tells of users, and whether it ever says one of them twice. */
class Witness {
  readonly told: string[] = [];
  readonly faults: string[] = [];
  readonly #hub: Hub;

  constructor(hub: Hub) {
    this.#hub = hub;
    hub.on('join', (_, user) => this.told.push(`+${user}`));
    hub.on('leave', (_, user) => this.told.push(`-${user}`));
  }

  /** The users that it knows of. */
  async look(): Promise<{ users: string[]; connections: number }> {
    const { members } = await this.#hub.presence(TOPIC);
    const users = members.map(({ userId }) => String(userId)).sort();
    const ids = members.flatMap(({ connections }) => connections.map(({ id, node }) => `${node} ${id}`));
    if (new Set(users).size < users.length) this.faults.push('a user is there twice');
    if (new Set(ids).size < ids.length) this.faults.push('a connection is there twice');
    return { users, connections: ids.length };
  }

  async agrees(oracle: Oracle): Promise<boolean> {
    const { users, connections } = await this.look();
    return connections === oracle.connections && JSON.stringify(users) === JSON.stringify(oracle.users);
  }
}

/** Of each user in its order; different users may be told in any. */
const byUser = (told: readonly string[]) =>
  [...told]
    .map((text, i) => [text.slice(1), i, text] as const)
    .sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j))
    .map(([, , text]) => text);

describe.each([
  { name: 'NATS', has: hasNatsServer, serve: (): Promise<NatsServer | RedisServer> => NatsServer.start() },
  { name: 'Redis', has: hasRedisServer, serve: () => RedisServer.start(DURABLE) },
])('$name', ({ has, serve }) => {
  const title =
    '1,000 users: each joins and leaves once, nobody is there twice, and all agree on who is there';
  test.skipIf(!has)(title, { timeout: 200_000 }, async () => {
    const server = await startServer(serve());
    const broker = server.url;
    const start = async () => {
      const hub = await createHub<unknown>({ ...options, port: 0, upgrade: userFromQuery, broker });
      onTestFinished(() => hub.close({ timeoutMs: 50 }));
      return hub;
    };
    const hubs = [await start(), await start()];
    const mortal = await startHubProcess({ ...options, usersFromQuery: true, broker });
    const urls = [...hubs.map(({ wsUrl }) => wsUrl), mortal.wsUrl];
    const oracle = new Oracle((node) => urls[node]!);
    const witnesses = hubs.map((hub) => new Witness(hub));
    for (const hub of hubs) await until('all to know all', () => hub.cluster.nodes().length === urls.length);
    // Asked once, a topic is kept up to date: from here on they are told of everybody.
    for (const witness of witnesses) await witness.look();
    const random = new Prng(1);
    let longestMs = 0;
    const agree = async (what: string) => {
      const since = performance.now();
      for (const witness of witnesses) await until(what, () => witness.agrees(oracle));
      if (what !== DEATH) longestMs = Math.max(longestMs, performance.now() - since);
      for (const { told } of witnesses) expect(byUser(told)).toEqual(byUser(oracle.told));
    };
    const all = Array.from({ length: USERS }, (_, i) => `user${i}`);
    const inParts = async (users: readonly string[], work: (user: string) => Promise<void>) => {
      for (let at = 0; at < users.length; at += 100) await Promise.all(users.slice(at, at + 100).map(work));
    };

    await inParts(all, async (user) => {
      const node = random.int(0, 2);
      await oracle.join(user, node);
      if (all.indexOf(user) % 2 === 0) await oracle.join(user, (node + random.int(0, 2)) % 3);
    });
    await agree('all to be there');

    for (let round = 0; round < ROUNDS; round++) {
      const [first, count] = [random.int(0, USERS - CHURN), CHURN];
      const churning = inParts(all.slice(first, first + count), (user) =>
        oracle.members.get(user)!.length === 0 || random.int(0, 1) === 0
          ? oracle.join(user, random.int(0, 2))
          : oracle.leave(user),
      );
      // In the midst of it, the server is away for a moment.
      if (round === ROUNDS / 2) {
        await server.kill();
        await server.start();
      }
      await churning;
      await agree(`round ${round}`);
    }

    mortal.signal('SIGKILL');
    const killedAt = performance.now();
    const victims = oracle.lose(2);
    // Some come back elsewhere at once, and some when it is known to be dead: they have never left.
    const comeBack = (users: readonly string[]) =>
      inParts(users, (user) => oracle.join(user, random.int(0, 1), true));
    await comeBack(victims.filter((_, i) => i % 3 === 0));
    for (const hub of hubs) await until('it to be known', () => hub.cluster.nodes().length === hubs.length);
    await comeBack(victims.filter((_, i) => i % 30 === 1));
    for (const user of victims) if (oracle.members.get(user)!.length === 0) oracle.told.push(`-${user}`);
    await agree(DEATH);
    const goneMs = Math.round(performance.now() - killedAt);

    await inParts(oracle.users, async (user) => {
      while (oracle.members.get(user)!.length > 0) await oracle.leave(user);
    });
    await agree('all to be gone');
    for (const hub of hubs) {
      expect(await hub.presenceStats(TOPIC)).toEqual({ users: 0, connections: 0, missingNodes: [] });
      await until('no connection', () => hub.stats().connections.open === 0);
      expect(hub.topics().size).toBe(0);
    }
    expect(witnesses.flatMap(({ faults }) => faults)).toEqual([]);
    console.log(
      `${oracle.told.length} joins and leaves; all agreed after ${Math.round(longestMs)} ms at most, ${goneMs} ms after the end of a node`,
    );
  });
});
