import { createHmac } from 'node:crypto';

const BASE64_SECRET_PREFIX = 'whsec_';

/** One request, as it is signed. */
interface SignedContent {
  /** The same whenever the same records are sent again. */
  readonly id: string;
  /** When the request is sent, in seconds since 1970. */
  readonly timestampSeconds: number;
  readonly body: Buffer;
}

/**
 * The headers that identify a request and prove its sender and time: HMAC-SHA256 of id, timestamp and body under the secret,
 * which is text or, after `whsec_`, base64.
 *
 * @see https://www.standardwebhooks.com, section "Signature scheme"
 */
export function signatureHeaders(
  secret: string,
  { id, timestampSeconds, body }: SignedContent,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const key = secret.startsWith(BASE64_SECRET_PREFIX)
    ? Buffer.from(secret.slice(BASE64_SECRET_PREFIX.length), 'base64')
    : Buffer.from(secret);
  const signature = createHmac('sha256', key)
    .update(`${id}.${timestampSeconds}.`)
    .update(body)
    .digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': `v1,${signature}`,
  };
}
