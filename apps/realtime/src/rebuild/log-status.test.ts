import { describe, expect, it } from 'vitest';
import { describeStatus, logStatus, type LogFacts } from './log-status.js';

const following: LogFacts = {
  isRebuilt: true,
  progress: { folded: 200n, of: 200n },
  hasRanges: true,
  failure: null,
  isReading: true,
  stalls: [],
  healthyAt: 1_000,
};
const rebuilding = { ...following, isRebuilt: false, progress: { folded: 84n, of: 200n } };
const stall = { topic: 'ride.telemetry', partition: 3, position: 17n, records: 5n, since: 400 };

describe('logStatus', () => {
  it('is following if the city is complete and the consumer reads', () => {
    expect(logStatus(following)).toEqual({ kind: 'following' });
  });

  it('is waiting until the ranges to read are known', () => {
    const facts = {
      ...following,
      hasRanges: false,
      isRebuilt: false,
      failure: 'no broker answers',
      isReading: null,
    };
    expect(logStatus(facts)).toEqual({
      kind: 'waiting',
      reason: 'log unreachable: no broker answers',
    });
    expect(logStatus({ ...facts, failure: null }).kind).toBe('waiting');
  });

  it('is rebuilding, with the percentage read, which stays below 100', () => {
    expect(logStatus(rebuilding)).toEqual({ kind: 'rebuilding', percent: 42, reason: null, since: null });
    const nearly = { ...rebuilding, progress: { folded: 999_999n, of: 1_000_000n } };
    expect(logStatus(nearly)).toMatchObject({ percent: 99 });
  });

  it.each([
    ['the consumer cannot read', { isReading: false }, /cannot read the log/],
    ['the log is unreachable', { failure: 'timeout' }, /^log unreachable: timeout$/],
    ['a partition stalls', { stalls: [stall] }, /ride.telemetry-3 is at offset 17 with a lag of 5 records$/],
    ['two partitions stall', { stalls: [stall, stall] }, /and 1 more/],
  ])('reports, while rebuilding and afterwards, that %s', (_, facts, reason) => {
    const since = 'stalls' in facts ? 400 : 1_000;
    const expected = { reason: expect.stringMatching(reason) as string, since };
    expect(logStatus({ ...following, ...facts })).toMatchObject({ kind: 'stalled', ...expected });
    expect(logStatus({ ...rebuilding, ...facts })).toMatchObject({ kind: 'rebuilding', ...expected });
  });
});

describe('describeStatus', () => {
  it('contains the progress of a rebuild, and what prevents it', () => {
    const status = logStatus({ ...rebuilding, isReading: false });
    expect(describeStatus(status, rebuilding.progress)).toBe(
      'rebuilding: read 84 of 200 records; the consumer cannot read the log',
    );
    expect(describeStatus({ kind: 'following' }, following.progress)).toBe(null);
  });
});
