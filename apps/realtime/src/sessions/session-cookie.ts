import type { IncomingHttpHeaders } from 'node:http';

/** Browsers accept a cookie with this prefix only from its own host and over TLS. */
const HOST_PREFIX = '__Host-';

interface CookieKind {
  readonly name: string;
  readonly isSecure: boolean;
  /** `Lax`: navigations from other sites carry it. @default 'Strict' */
  readonly sameSite?: 'Strict' | 'Lax';
}

/** A header `Set-Cookie`. Scripts cannot read the cookie, and requests of pages of other sites do not carry it. */
export function setCookie(
  { name, isSecure, sameSite = 'Strict' }: CookieKind,
  { value, maxAgeMs }: { readonly value: string; readonly maxAgeMs: number },
): string {
  return [
    `${isSecure ? HOST_PREFIX : ''}${name}=${value}`,
    'Path=/',
    `Max-Age=${Math.max(0, Math.floor(maxAgeMs / 1_000))}`,
    'HttpOnly',
    `SameSite=${sameSite}`,
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
}

/** The values of a cookie, that of TLS first. A browser sends several if the service was used with and without TLS. */
export function cookieValues(headers: IncomingHttpHeaders, name: string): string[] {
  return [true, false].flatMap((isSecure) => cookieValue(headers, { name, isSecure }) ?? []);
}

/** The value of a cookie that was set with or without TLS; `undefined` if the browser has none. */
export function cookieValue(
  { cookie }: IncomingHttpHeaders,
  { name, isSecure }: Pick<CookieKind, 'name' | 'isSecure'>,
): string | undefined {
  if (cookie === undefined || !cookie.includes(name)) return undefined;
  const wanted = `${isSecure ? HOST_PREFIX : ''}${name}`;
  const pairs = cookie.split(';').map((pair) => pair.trim().split('='));
  const found = pairs.find(([each]) => each === wanted);
  return found === undefined ? undefined : (found[1] ?? '');
}

/** Whether the browser uses TLS, which may end at a proxy. */
export function isSecureRequest(
  { 'x-forwarded-proto': forwarded }: IncomingHttpHeaders,
  publicUrl: string,
): boolean {
  const [first = ''] = [forwarded ?? ''].flat().join(',').split(',');
  return first.trim().toLowerCase() === 'https' || publicUrl.startsWith('https:');
}
