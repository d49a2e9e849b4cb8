import { AUDIT_INTERVAL_MS, decodeAuditRecord, MAX_REASONS } from '@hailstream/events/audit';
import { describe, expect, it } from 'vitest';
import { AuditCounts, MAX_ENTRIES } from './audit-counts.js';

const MINUTE = 1_760_000_040_000;
const PROVIDER = '2411d395-04f2-47c9-ab66-d09e9e3c3251';
const PROCESS = '0197a1c5-3c4e-7a16-8f72-6bad1e4f8c33';
const of = { topic: 'ride.telemetry', providerId: PROVIDER, receivedAtMs: MINUTE + 5_000 };
const nextMinute = { ...of, receivedAtMs: MINUTE + AUDIT_INTERVAL_MS };

describe(AuditCounts, () => {
  it('counts by minute, and returns valid records of what has changed', () => {
    const counts = new AuditCounts(PROCESS);
    counts.accept(of, 10);
    counts.reject(of, 'timestamp-in-seconds');
    counts.reject(of, 'timestamp-in-seconds');
    counts.accept(nextMinute, 1);
    const records = counts.take(MINUTE + AUDIT_INTERVAL_MS);
    expect(records).toMatchObject([
      { minute: MINUTE, accepted: 10, rejected: [{ reason: 'timestamp-in-seconds', count: 2 }] },
      { minute: MINUTE + AUDIT_INTERVAL_MS, accepted: 1, rejected: [] },
    ]);
    for (const record of records) {
      expect(decodeAuditRecord(Buffer.from(JSON.stringify(record)))).toEqual(record);
    }
    expect(counts.take(MINUTE + AUDIT_INTERVAL_MS)).toEqual([]);
  });

  it('returns the total of the minute again after a further item', () => {
    const counts = new AuditCounts(PROCESS);
    counts.accept(of, 10);
    counts.take(MINUTE + 6_000);
    counts.accept(of, 5);
    expect(counts.take(MINUTE + 7_000)).toMatchObject([{ accepted: 15 }]);
  });

  it('returns what could not be written again, with what was counted since', () => {
    const counts = new AuditCounts(PROCESS);
    counts.accept(of, 10);
    const failed = counts.take(MINUTE + 6_000);
    counts.accept(of, 5);
    counts.putBack(failed);
    expect(counts.take(MINUTE + 7_000)).toMatchObject([{ accepted: 15 }]);
    counts.accept(of, 1);
    const late = counts.take(MINUTE + 10 * AUDIT_INTERVAL_MS);
    counts.putBack(late);
    expect(counts.take(MINUTE + 10 * AUDIT_INTERVAL_MS)).toMatchObject([{ accepted: 16 }]);
  });

  it('keeps a bounded number of reasons and providers', () => {
    const counts = new AuditCounts(PROCESS);
    for (let n = 0; n < 3 * MAX_REASONS; n += 1) counts.reject(of, `invalid field${n}`);
    const [record] = counts.take(MINUTE);
    expect(record!.rejected).toHaveLength(MAX_REASONS);
    expect(record!.rejected.at(-1)).toEqual({ reason: 'other', count: 2 * MAX_REASONS + 1 });
    for (let n = 0; n < MAX_ENTRIES + 10; n += 1) counts.accept({ ...of, providerId: `provider ${n}` }, 2);
    expect(counts.take(MINUTE)).toHaveLength(MAX_ENTRIES - 1);
    expect(counts.uncounted).toBe(2 * 11);
  });
});
