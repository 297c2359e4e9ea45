import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testHandler } from 'shardhub/testing';
import handler from './handler.js';

test('who says a name is greeted, and the others hear of it', async () => {
  await using ann = await testHandler(handler, { handlerOptions: { greeting: 'Welcome' } });
  const bob = await ann.connect();
  await bob.send('Bob');
  assert.equal(await bob.next(), 'Welcome, Bob!');
  assert.equal(await ann.next(), 'Bob is here');
});

test('a message without a name closes the connection', async () => {
  await using client = await testHandler(handler);
  await client.send(' ');
  assert.deepEqual(await client.closed, { code: 1007, reason: 'a name is missing' });
});
