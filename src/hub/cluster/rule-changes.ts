/** Other rules for topics, while somebody is subscribed to them. I/O thread. */
import type { Connection } from '../connection/connection.js';
import type { Presence } from './presence.js';
import type { TopicRule, TopicRules } from './topic-rules.js';

export interface Subscribed {
  topics(): Iterable<string>;
  subscribers(topic: string): ReadonlySet<Connection>;
}

/** Who is subscribed already enters the presence of topics that get one, and leaves it where they lose it. */
export function changeRules(
  rules: TopicRules,
  changed: Readonly<Record<string, TopicRule>>,
  subscribed: Subscribed,
  presence: Presence,
): void {
  const hasPresence = (topic: string) => rules.of(topic)?.presence ?? false;
  const had = [...subscribed.topics()].map((topic) => [topic, hasPresence(topic)] as const);
  rules.replace(changed);
  // Copied before anybody is told: who listens for `join` and `leave` may close connections, and subscribe others.
  const members = had
    .filter(([topic, hadPresence]) => hasPresence(topic) !== hadPresence)
    .flatMap(([topic]) =>
      [...subscribed.subscribers(topic)].map((connection) => [topic, connection] as const),
    );
  for (const [topic, connection] of members)
    if (!hasPresence(topic)) presence.leaveTopic(topic, connection.id);
    else if (subscribed.subscribers(topic).has(connection))
      presence.join(topic, connection.id, connection.member?.userId ?? null);
}
