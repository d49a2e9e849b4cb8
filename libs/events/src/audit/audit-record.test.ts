import { describe, expect, it } from 'vitest';
import { auditKey, decodeAuditRecord, MAX_REASONS, type AuditRecord } from './audit-record.js';

const record: AuditRecord = {
  stage: 'ingest',
  process_id: '0197a1c5-3c4e-7a16-8f72-6bad1e4f8c33',
  minute: 1_750_320_000_000,
  topic: 'ride.telemetry',
  provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
  accepted: 12,
  rejected: [{ reason: 'timestamp-in-seconds', count: 3 }],
};
const bytes = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

describe(decodeAuditRecord, () => {
  it('returns a record as it was written', () => {
    expect(decodeAuditRecord(bytes(record))).toEqual(record);
  });

  it.each([
    ['no value', null],
    ['bytes that are not UTF-8', Buffer.from([0xff])],
    ['text that is not JSON', Buffer.from('{')],
    ['another object', bytes({})],
    ['a negative count', bytes({ ...record, accepted: -1 })],
    [
      'too many reasons',
      bytes({
        ...record,
        rejected: Array.from({ length: MAX_REASONS + 1 }, (_, n) => ({ reason: `r${n}`, count: 1 })),
      }),
    ],
  ])('returns null for %s', (_, value) => {
    expect(decodeAuditRecord(value)).toBeNull();
  });
});

describe(auditKey, () => {
  it('has the stage and the minute', () => {
    expect(auditKey(record)).toBe('ingest/1750320000000');
  });
});
