/** The target of a request: its path, and its query without `?` when there is one (RFC 9112 §3.2.1). */
export function joinTarget(path: string, query: string): string {
  return query === '' ? path : `${path}?${query}`;
}
