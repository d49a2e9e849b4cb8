import { createHash } from 'node:crypto';

/**
 * The id of an alert: a UUID of version 8 that depends on the rule, the subject and the time of what started it. All processes
 * therefore give the same alert the same id.
 *
 * @see RFC 9562, 5.8
 */
export function alertId(ruleId: string, subject: string, startedAt: number): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify([ruleId, subject, startedAt]))
    .digest()
    .subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
