/** The headers that name the origin of a page and the host names of this service. */
interface OriginHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
  /** Set by proxies; a list has one value per proxy. */
  readonly 'x-forwarded-host'?: string | string[] | undefined;
  readonly 'x-forwarded-port'?: string | string[] | undefined;
  /** @see RFC 7239 */
  readonly forwarded?: string | undefined;
}

/**
 * Whether a WebSocket is requested by a page of this service, by a page of an allowed origin, or by a client that is not a
 * browser. Browsers let any site open a WebSocket, and a service on loopback without tokens must not be read by any site.
 *
 * Hosts are compared as in URLs: in lower case and without the default port of the scheme. The scheme is not compared,
 * because TLS may end at any proxy. Pages cannot set the headers of proxies.
 *
 * @param allowedOrigins in the form that {@link toOrigin} returns
 */
export function isSameOrigin(headers: OriginHeaders, allowedOrigins: readonly string[] = []): boolean {
  if (headers.origin === undefined) return true;
  const origin = toOrigin(headers.origin);
  if (origin === undefined) return false;
  if (allowedOrigins.includes(origin)) return true;
  const { protocol, host } = new URL(origin);
  return authoritiesOf(headers).some((authority) => hostOf(`${protocol}//${authority}`) === host);
}

/** An HTTP origin in the form that browsers send, `https://live.example:8443`; `undefined` for any other text. */
export function toOrigin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin, pathname, search, hash, username } = new URL(text);
  const isOrigin = pathname === '/' && search === '' && hash === '' && username === '';
  return isOrigin && HTTP_ORIGIN.test(origin) ? origin : undefined;
}

/** URLs may have further characters in their host, such as a semicolon, which would end a directive of a security policy. */
const HTTP_ORIGIN = /^https?:\/\/[\w.*:[\]-]+$/;

/** Every `host[:port]` by which the client or a proxy addressed this service. */
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
