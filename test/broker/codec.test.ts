/** Messages between nodes, and what comes on the same subjects and is none. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '../../src/broker/codec.js';

describe('a message between nodes', () => {
  test('arrives as it was', () => {
    const node = fc.string({ unit: 'grapheme', maxLength: 40 });
    const message = fc.record({
      data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      isBinary: fc.boolean(),
      key: fc.option(fc.string({ unit: 'grapheme', maxLength: 600 }), { nil: undefined }),
      except: fc.option(fc.array(fc.stringMatching(/^[0-9a-z]{1,6}\.[0-9a-z]{1,7}$/), { minLength: 1 }), {
        nil: undefined,
      }),
    });
    fc.assert(
      fc.property(node, message, (from, sent) => {
        // Once more: the head of a node's last message is remembered.
        for (const data of [sent.data, Buffer.concat([sent.data, sent.data])]) {
          const message = { ...sent, data };
          expect(decodeMessage(encodeMessage(from, message))).toEqual({ node: from, message });
        }
      }),
    );
  });

  test('is told from anything else, and never read past its end', () => {
    const whole = encodeMessage('node', {
      data: Buffer.alloc(0),
      isBinary: false,
      key: 'key',
      except: ['a.1'],
    });
    for (let length = 0; length < whole.length; length++)
      expect(decodeMessage(whole.subarray(0, length))).toBeUndefined();
    for (const foreign of ['', '{}', 'hello', '[1]'])
      expect(decodeMessage(Buffer.from(foreign))).toBeUndefined();
    const newer = Buffer.from(whole);
    newer[2] = 2;
    for (const takesRaw of [false, true]) expect(decodeMessage(newer, takesRaw)).toBeUndefined();
    // What other programs send, where that is wanted.
    const raw = (bytes: Buffer) => decodeMessage(bytes, true)?.message;
    expect(raw(Buffer.from('{"é":1}'))).toMatchObject({ isBinary: false, data: Buffer.from('{"é":1}') });
    expect(raw(Buffer.from([0xff]))).toMatchObject({ isBinary: true, data: Buffer.from([0xff]) });
    expect(raw(Buffer.alloc(0))).toMatchObject({ isBinary: false });
  });
});
