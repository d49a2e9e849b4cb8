/**
 * Whether a WebSocket is asked for by a page of ours, or by no page at all. Browsers let any site open one: on a
 * service that is open to this machine, without tokens, a site must not read along.
 */
export function isSameOrigin(headers: {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  readonly 'x-forwarded-host'?: string | string[] | undefined;
}): boolean {
  const { origin } = headers;
  if (origin === undefined) return true;
  const host = URL.canParse(origin) ? new URL(origin).host : null;
  return host !== null && (host === headers.host || host === headers['x-forwarded-host']);
}
