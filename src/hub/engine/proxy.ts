/** The client's address behind proxies that are trusted: the option `trustProxy` as one function. Pure. */
import { BlockList, isIP } from 'node:net';
import { shortenIPv6 } from '../../util/address.js';

/** False, a number of proxies, or the addresses and networks (CIDR) that proxies have. */
export type ProxyTrust = false | number | readonly string[];

/**
 * @param peer address of the socket's other end; empty on a Unix socket, whose peer is trusted like a listed one
 * @param forwarded the header X-Forwarded-For: each proxy adds, on the right, the address that it was asked from
 */
export type AddressResolver = (peer: string, forwarded: string) => string;

export function compileProxyTrust(trust: ProxyTrust): AddressResolver {
  if (trust === false || trust === 0) return (peer) => peer;
  const isTrusted = typeof trust === 'number' ? (_: string, hop: number) => hop < trust : isListed(trust);
  return (peer, forwarded) => {
    let address = peer;
    const chain = forwarded.split(',');
    for (let hop = 0; isTrusted(address, hop); hop++) {
      const next = parseAddress(chain.pop() ?? '');
      // Nobody trustworthy said more.
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
}

function isListed(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of networks) {
    const [address = '', prefix] = text.split('/');
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => address === '' || list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** An entry of X-Forwarded-For, some of which carry a port. */
function parseAddress(entry: string): string | undefined {
  const text = entry.trim();
  const bare = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return normalizeAddress(bare);
}

/** An IP address in the form that the hub uses everywhere; undefined for what is none. */
export function normalizeAddress(address: string): string | undefined {
  switch (isIP(address)) {
    case 4:
      return address;
    case 6:
      return shorten(address);
    default:
      return undefined;
  }
}

function shorten(address: string): string | undefined {
  const short = shortenIPv6(address);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(short ?? '');
  if (mapped === null) return short;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
