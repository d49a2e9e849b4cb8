/** What of a request says where its page is from, and which names this service goes by. */
export interface OriginHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  /** Proxies set these; a list has one value of each proxy. */
  readonly 'x-forwarded-host'?: string | string[] | undefined;
  readonly 'x-forwarded-port'?: string | string[] | undefined;
  /** @see RFC 7239 */
  readonly forwarded?: string | undefined;
}

/**
 * Whether a WebSocket is asked for by a page of this service, by a page of an allowed origin, or by no page at all.
 * Browsers let any site open one: on a service that is open to this machine, without tokens, a site must not read along.
 *
 * Names and ports are compared as URLs have them: in lower case, and without the port that is the scheme's default. The
 * scheme itself is not compared, for TLS may end at any proxy on the way. A page can't set the headers of proxies.
 *
 * @param allowedOrigins in the form that {@link toOrigin} gives
 */
export function isSameOrigin(headers: OriginHeaders, allowedOrigins: readonly string[] = []): boolean {
  if (headers.origin === undefined) return true;
  const origin = toOrigin(headers.origin);
  if (origin === undefined) return false;
  if (allowedOrigins.includes(origin)) return true;
  const { protocol, host } = new URL(origin);
  return authoritiesOf(headers).some((authority) => hostOf(`${protocol}//${authority}`) === host);
}

/** An origin as browsers write it, `https://live.example:8443`; `undefined` for what is not one of HTTP. */
export function toOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname, search, hash, username } = new URL(text);
  const isOrigin = pathname === '/' && search === '' && hash === '' && username === '';
  return isOrigin && (protocol === 'http:' || protocol === 'https:') ? origin : undefined;
}

/** Every `host[:port]` that this service was asked by, on any part of the way. */
function authoritiesOf(headers: OriginHeaders): string[] {
  const forwarded = [...(headers.forwarded ?? '').matchAll(/\bhost="?([^\s",;]+)/gi)].map(
    ([, host = '']) => host,
  );
  const names = [...listOf(headers.host), ...listOf(headers['x-forwarded-host']), ...forwarded];
  const ports = listOf(headers['x-forwarded-port']).filter((port) => /^\d{1,5}$/.test(port));
  return names.flatMap((name) => [
    name,
    ...(/:\d+$/.test(name) ? [] : ports.map((port) => `${name}:${port}`)),
  ]);
}

function listOf(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '');
}

function hostOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { host, username, pathname } = new URL(url);
  return username === '' && pathname === '/' ? host : undefined;
}
