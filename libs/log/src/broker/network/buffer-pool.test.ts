import { describe, expect, it } from 'vitest';
import { BufferPool, BufferLease } from './buffer-pool.js';

const KIB = 1024;

describe('BufferPool', () => {
  it('reuses released memory for lengths of about the same size', () => {
    const pool = new BufferPool();
    const first = pool.acquire(40 * KIB);
    pool.release(first);
    const second = pool.acquire(50 * KIB);
    expect(second).toHaveLength(50 * KIB);
    expect(second.buffer).toBe(first.buffer);
    expect(pool.acquire(50 * KIB).buffer).not.toBe(first.buffer);
  });

  it('reuses the memory of a large response to a consumer', () => {
    const pool = new BufferPool();
    const first = pool.acquire(4_096 * KIB);
    pool.release(first);
    expect(pool.acquire(4_000 * KIB).buffer).toBe(first.buffer);
  });

  it('never leases the same memory twice at a time', () => {
    const pool = new BufferPool();
    const leases = [new BufferLease(pool), new BufferLease(pool)];
    for (let round = 0; round < 3; round++) {
      const buffers = leases.flatMap((lease) => [
        lease.acquire(64 * KIB),
        lease.acquire(1_000 * KIB),
        lease.acquire(10),
      ]);
      buffers.forEach((buffer, i) => buffer.fill(i));
      buffers.forEach((buffer, i) => expect(buffer.every((byte) => byte === i)).toBe(true));
      for (const lease of leases) lease.release();
    }
  });

  it('returns a buffer to the pool once, even if it is released twice', () => {
    const pool = new BufferPool();
    const lease = new BufferLease(pool);
    lease.acquire(64 * KIB);
    lease.release();
    lease.release();
    expect(pool.acquire(64 * KIB).buffer).not.toBe(pool.acquire(64 * KIB).buffer);
  });

  it('counts the bytes of leases, and how many are left', () => {
    const pool = new BufferPool(100 * KIB);
    const leases = [new BufferLease(pool), new BufferLease(pool)] as const;
    leases[0].acquire(60 * KIB);
    expect(leases[1].leftBytes).toBe(40 * KIB);
    leases[1].acquire(60 * KIB);
    expect(leases[1].leftBytes).toBe(0);
    leases[0].reserve(30 * KIB);
    expect(pool.leasedBytes).toBe(150 * KIB);
    leases[0].acquire(20 * KIB);
    expect(pool.leasedBytes).toBe(150 * KIB);
    leases[0].unreserve();
    expect(pool.leasedBytes).toBe(140 * KIB);
    leases[0].drop();
    leases[0].release();
    expect(leases[1].leftBytes).toBe(40 * KIB);
    leases[1].release();
    expect(pool.leasedBytes).toBe(0);
  });

  it('pools a limited number of bytes', () => {
    const pool = new BufferPool();
    const buffers = Array.from({ length: 40 }, () => pool.acquire(1024 * KIB));
    for (const buffer of buffers) pool.release(buffer);
    const again = Array.from({ length: 40 }, () => pool.acquire(1024 * KIB).buffer);
    expect(buffers.filter((buffer) => again.includes(buffer.buffer))).toHaveLength(32);
  });
});
