import type { IncomingHttpHeaders } from 'node:http';

/** Browsers accept a cookie with this prefix only from its own host and over TLS. */
const HOST_PREFIX = '__Host-';

/** A header `Set-Cookie`. Scripts cannot read the cookie, and requests of pages of other sites do not carry it. */
export function setCookie(
  { name, isSecure }: { readonly name: string; readonly isSecure: boolean },
  { value, maxAgeMs }: { readonly value: string; readonly maxAgeMs: number },
): string {
  return [
    `${isSecure ? HOST_PREFIX : ''}${name}=${value}`,
    'Path=/',
    `Max-Age=${Math.max(0, Math.floor(maxAgeMs / 1_000))}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(isSecure ? ['Secure'] : []),
  ].join('; ');
}

/** The values of a cookie, that of TLS first. A browser sends several if the service was used with and without TLS. */
export function cookieValues({ cookie }: IncomingHttpHeaders, name: string): string[] {
  if (cookie === undefined || !cookie.includes(name)) return [];
  const pairs = cookie.split(';').map((pair) => pair.trim().split('='));
  return [HOST_PREFIX + name, name].flatMap((wanted) =>
    pairs.filter(([found]) => found === wanted).map(([, value = '']) => value),
  );
}

/** Whether the browser uses TLS, which may end at a proxy. */
export function isSecureRequest(
  { 'x-forwarded-proto': forwarded }: IncomingHttpHeaders,
  publicUrl: string,
): boolean {
  const [first = ''] = [forwarded ?? ''].flat().join(',').split(',');
  return first.trim().toLowerCase() === 'https' || publicUrl.startsWith('https:');
}
