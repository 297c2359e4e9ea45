/** Where a listener of its own listens: `host:port`, or the path of a Unix socket. */

export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** Undefined for what is none. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (/^\.{0,2}\//.test(text)) {
    return Buffer.byteLength(text) <= 103 && !text.includes('\0') ? { path: text } : undefined;
  }
  const [, host = '', port = ''] = /^(\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === '' || Number(port) > 65_535) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
}
