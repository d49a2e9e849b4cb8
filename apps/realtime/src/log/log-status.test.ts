import { describe, expect, it } from 'vitest';
import { describeStatus, logStatus, type LogFacts } from './log-status.js';

const following: LogFacts = {
  isCaughtUp: true,
  progress: { folded: 200n, of: 200n },
  hasGoals: true,
  failure: null,
  isReading: true,
  stalls: [],
};
const rebuilding = { ...following, isCaughtUp: false, progress: { folded: 84n, of: 200n } };
const stall = { topic: 'ride.telemetry', partition: 3, next: 17n, behind: 5n };

describe('logStatus', () => {
  it('is following when everything is read and the consumer reads', () => {
    expect(logStatus(following)).toEqual({ kind: 'following' });
  });

  it('is waiting until the log has said where it ends', () => {
    const facts = {
      ...following,
      hasGoals: false,
      isCaughtUp: false,
      failure: 'no broker answers',
      isReading: null,
    };
    expect(logStatus(facts)).toEqual({
      kind: 'waiting',
      reason: 'the log does not answer yet: no broker answers',
    });
    expect(logStatus({ ...facts, failure: null }).kind).toBe('waiting');
  });

  it('is rebuilding, by percent, and never says 100 before all is read', () => {
    expect(logStatus(rebuilding)).toEqual({ kind: 'rebuilding', percent: 42, reason: null });
    const nearly = { ...rebuilding, progress: { folded: 999_999n, of: 1_000_000n } };
    expect(logStatus(nearly)).toMatchObject({ percent: 99 });
  });

  it.each([
    ['the consumer is not connected', { isReading: false }, /not connected to the log/],
    ['the log does not answer', { failure: 'timeout' }, /does not answer: timeout/],
    [
      'a partition does not move',
      { stalls: [stall] },
      /partition 3 of ride.telemetry is at offset 17, 5 records/,
    ],
    ['two partitions do not move', { stalls: [stall, stall] }, /and 1 more/],
  ])('says while rebuilding and afterwards that %s', (_, facts, reason) => {
    const expected = { reason: expect.stringMatching(reason) as string };
    expect(logStatus({ ...following, ...facts })).toMatchObject({ kind: 'stalled', ...expected });
    expect(logStatus({ ...rebuilding, ...facts })).toMatchObject({ kind: 'rebuilding', ...expected });
  });
});

describe('describeStatus', () => {
  it('has the records of a rebuild, and what hinders it', () => {
    const status = logStatus({ ...rebuilding, isReading: false });
    expect(describeStatus(status, rebuilding.progress)).toBe(
      'rebuilding: 84 of the 200 records that were in the log at start are read; the consumer is not connected to the log, reconnecting',
    );
    expect(describeStatus({ kind: 'following' }, following.progress)).toBe(null);
  });
});
