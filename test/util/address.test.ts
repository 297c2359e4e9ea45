/** Texts of addresses and names of hosts: those that were looked at lately are remembered, each for what it is. */
import { expect, test } from 'vitest';
import { formatAddress, hostnameOf } from '../../src/util/address.js';

const mapped = (...bytes: number[]) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);

test('an address has the same text whenever it comes, and another one its own', () => {
  for (let round = 0; round < 2; round++)
    // More than are remembered.
    for (let i = 0; i < 3000; i++) {
      const bytes = [i % 256, 255, i >> 8, 200];
      expect(formatAddress(Uint8Array.from(bytes))).toBe(bytes.join('.'));
      expect(formatAddress(mapped(...bytes))).toBe(bytes.join('.'));
    }
  const bytes = new Uint8Array(16);
  bytes[15] = 1;
  expect(formatAddress(bytes)).toBe('::1');
  bytes[9] = 1;
  expect(formatAddress(bytes)).toBe('::1:0:0:1');
  expect(formatAddress(new Uint8Array(0))).toBe('');
});

test('a Host header is judged by itself, whichever came before', () => {
  for (let round = 0; round < 2; round++) {
    expect(hostnameOf('A.example:80')).toBe('a.example');
    expect(hostnameOf('a/b')).toBeUndefined();
    expect(hostnameOf('a/b')).toBeUndefined();
    expect(hostnameOf(undefined)).toBeUndefined();
    expect(hostnameOf('[::1]:8080')).toBe('[::1]');
    expect(hostnameOf(undefined)).toBeUndefined();
    expect(hostnameOf('')).toBeUndefined();
  }
});

test('addresses that differ in one byte are told apart, also once they are known', () => {
  const base = [10, 20, 30, 40];
  const others = base.map((byte, i) => base.with(i, byte + 1));
  for (let round = 0; round < 2; round++)
    for (const bytes of [base, ...others])
      expect(formatAddress(Uint8Array.from(bytes))).toBe(bytes.join('.'));
});
