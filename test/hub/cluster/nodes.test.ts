/** Which hubs are there, by a clock of the test's. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Nodes } from '../../../src/hub/cluster/nodes.js';
import type { Signal } from '../../../src/hub/cluster/signals.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function startNodes() {
  const said: Signal['type'][] = [];
  const told: string[] = [];
  const nodes = new Nodes({
    self: { id: 'self', name: 'self', version: '1', startedAt: 0 },
    connections: () => 0,
    say: ({ type }) => void said.push(type),
    onSeen: (id) => void told.push(`+${id}`),
    onGone: (id) => void told.push(`-${id}`),
  });
  const hear = (id: string) =>
    nodes.onHere(id, { type: 'here', name: id, version: '1', startedAt: 0, connections: 0 });
  nodes.start();
  return { nodes, said, told, hear };
}

test('a node that is silent for 6 s is gone half a second later at most, one that speaks is not', () => {
  const { nodes, told, hear } = startNodes();
  // Just after a beat of this one, and a look.
  vi.advanceTimersByTime(2001);
  for (const id of ['dead', 'slow']) hear(id);
  vi.advanceTimersByTime(5500);
  hear('slow');
  vi.advanceTimersByTime(499);
  expect(nodes.others()).toEqual(['dead', 'slow']);
  vi.advanceTimersByTime(501);
  expect(told).toEqual(['+dead', '+slow', '-dead']);
});

test('it speaks every 2 s, and until it leaves', () => {
  const { nodes, said } = startNodes();
  vi.advanceTimersByTime(4000);
  nodes.stop();
  vi.advanceTimersByTime(10_000);
  expect(said).toEqual(['here', 'here', 'here', 'bye']);
});
