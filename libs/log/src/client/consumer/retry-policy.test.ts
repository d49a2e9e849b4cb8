import { describe, expect, it } from 'vitest';
import { RetryLadder } from './retry-policy.js';

const batch = { nextOffset: 10n, alone: false, retryable: false };
const outage = { ...batch, retryable: true };

describe('RetryLadder', () => {
  it('tries a batch as often as it may, then its records one by one', () => {
    const ladder = new RetryLadder(3);
    expect([1, 2, 3].map(() => ladder.failed(batch).kind)).toEqual(['again', 'again', 'one-by-one']);
    expect([ladder.isAlone(0n), ladder.isAlone(9n), ladder.isAlone(10n)]).toEqual([true, true, false]);
  });

  it('gives up a record that fails alone, and says how often it was tried', () => {
    const ladder = new RetryLadder(2);
    ladder.failed(batch);
    ladder.failed(batch);
    expect(ladder.failed({ nextOffset: 4n, alone: true, retryable: false })).toEqual({
      kind: 'give-up',
      attempts: 3,
    });
  });

  it('forgets failures once the batch is done with', () => {
    const ladder = new RetryLadder(2);
    ladder.failed(batch);
    ladder.passed(10n);
    expect(ladder.failed({ ...batch, nextOffset: 20n })).toEqual({ kind: 'again', failures: 1 });
  });

  it('hands records over in batches again after the last of those that failed together', () => {
    const ladder = new RetryLadder(1);
    ladder.failed(batch);
    ladder.passed(9n);
    expect(ladder.isAlone(9n)).toBe(true);
    ladder.passed(10n);
    expect(ladder.isAlone(10n)).toBe(false);
  });

  it('never counts an outage against the records, alone or not', () => {
    const ladder = new RetryLadder(2);
    for (let failures = 1; failures <= 100; failures += 1) {
      expect(ladder.failed(outage)).toEqual({ kind: 'again', failures });
    }
    expect(ladder.failed(batch).kind).toBe('again');
    expect(ladder.failed(batch).kind).toBe('one-by-one');
    expect(ladder.failed({ ...outage, alone: true }).kind).toBe('again');
  });
});
