import { describe, expect, it } from 'vitest';
import { BufferPool, Loan } from './buffer-pool.js';

const KIB = 1024;

describe('BufferPool', () => {
  it('gives memory again that was given back, for lengths of about the same size', () => {
    const pool = new BufferPool();
    const first = pool.take(40 * KIB);
    pool.give(first);
    const second = pool.take(50 * KIB);
    expect(second).toHaveLength(50 * KIB);
    expect(second.buffer).toBe(first.buffer);
    expect(pool.take(50 * KIB).buffer).not.toBe(first.buffer);
  });

  it('never gives one piece of memory to two at once', () => {
    const pool = new BufferPool();
    const loans = [new Loan(pool), new Loan(pool)];
    for (let round = 0; round < 3; round++) {
      const buffers = loans.flatMap((loan) => [loan.take(64 * KIB), loan.take(1_000 * KIB), loan.take(10)]);
      buffers.forEach((buffer, i) => buffer.fill(i));
      buffers.forEach((buffer, i) => expect(buffer.every((byte) => byte === i)).toBe(true));
      for (const loan of loans) loan.giveBack();
    }
  });

  it('gives back once, however often it is asked to', () => {
    const pool = new BufferPool();
    const loan = new Loan(pool);
    loan.take(64 * KIB);
    loan.giveBack();
    loan.giveBack();
    expect(pool.take(64 * KIB).buffer).not.toBe(pool.take(64 * KIB).buffer);
  });

  it('keeps a bounded number of bytes', () => {
    const pool = new BufferPool();
    const taken = Array.from({ length: 40 }, () => pool.take(1024 * KIB));
    for (const buffer of taken) pool.give(buffer);
    const again = Array.from({ length: 40 }, () => pool.take(1024 * KIB).buffer);
    expect(taken.filter((buffer) => again.includes(buffer.buffer))).toHaveLength(32);
  });
});
