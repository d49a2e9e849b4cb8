import type { ServerResponse } from 'node:http';

/**
 * Headers of every response. A response is never interpreted as another type than it declares, and as a page it loads and
 * runs nothing and is shown in no frame. Responses that are pages replace the policy.
 */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

/** The headers as names and values in turn, for `writeHead`. */
export const RAW_SECURITY_HEADERS: readonly string[] = Object.entries(SECURITY_HEADERS).flat();

/** The headers as lines of an HTTP message. */
export const SECURITY_HEADER_LINES = Object.entries(SECURITY_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('');

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
}
