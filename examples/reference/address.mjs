// @ts-check
import { parseArgs } from 'node:util';

/**
 * Where to listen: the flag `-addr host:port` of the documents, as Go spells it. PORT goes before its port.
 *
 * @param {string} fallback the document's own
 * @returns {{ host: string, port: number }}
 */
export function listenAddress(fallback) {
  const args = process.argv.slice(2).map((arg) => arg.replace(/^-(?=addr\b)/, '--'));
  const { values } = parseArgs({ args, options: { addr: { type: 'string', default: fallback } } });
  const [, host, port] = /^(.*):(\d{1,5})$/.exec(values.addr) ?? [];
  if (port === undefined) throw new Error(`-addr takes host:port, such as ${fallback}, not ${values.addr}`);
  // Go takes no host for every interface: nobody but this machine is the safer default.
  return { host: host || '127.0.0.1', port: Number(process.env.PORT ?? port) };
}
