import { describe, expect, it } from 'vitest';
import { RetryPolicy } from './retry-policy.js';

const batch = { nextOffset: 10n, isIndividual: false, retryable: false };
const outage = { ...batch, retryable: true };

describe('RetryPolicy', () => {
  it('retries a batch until its attempts are used up, then its records individually', () => {
    const policy = new RetryPolicy(3);
    expect([1, 2, 3].map(() => policy.failed(batch).kind)).toEqual(['retry', 'retry', 'retry-individually']);
    expect([0n, 9n, 10n].map((offset) => policy.isIndividual(offset))).toEqual([true, true, false]);
  });

  it('rejects a record that fails individually, with the number of attempts', () => {
    const policy = new RetryPolicy(2);
    policy.failed(batch);
    policy.failed(batch);
    expect(policy.failed({ nextOffset: 4n, isIndividual: true, retryable: false })).toEqual({
      kind: 'reject',
      attempts: 3,
    });
  });

  it('resets the failures once the batch succeeds', () => {
    const policy = new RetryPolicy(2);
    policy.failed(batch);
    policy.succeeded(10n);
    expect(policy.failed({ ...batch, nextOffset: 20n })).toEqual({ kind: 'retry', failures: 1 });
  });

  it('returns to batches after the last record of the batch that failed', () => {
    const policy = new RetryPolicy(1);
    policy.failed(batch);
    policy.succeeded(9n);
    expect(policy.isIndividual(9n)).toBe(true);
    policy.succeeded(10n);
    expect(policy.isIndividual(10n)).toBe(false);
  });

  it('does not count an outage as an attempt, for a batch or a single record', () => {
    const policy = new RetryPolicy(2);
    for (let failures = 1; failures <= 100; failures += 1) {
      expect(policy.failed(outage)).toEqual({ kind: 'retry', failures });
    }
    expect(policy.failed(batch).kind).toBe('retry');
    expect(policy.failed(batch).kind).toBe('retry-individually');
    expect(policy.failed({ ...outage, isIndividual: true }).kind).toBe('retry');
  });
});
