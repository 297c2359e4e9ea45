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
  const had = [...subscribed.topics()].map((topic) => [topic, rules.of(topic)?.presence ?? false] as const);
  rules.replace(changed);
  for (const [topic, hadPresence] of had) {
    const has = rules.of(topic)?.presence ?? false;
    if (has === hadPresence) continue;
    for (const { id, member } of subscribed.subscribers(topic))
      if (has) presence.join(topic, id, member?.userId ?? null);
      else presence.leaveTopic(topic, id);
  }
}
