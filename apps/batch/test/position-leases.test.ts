import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '../src/database/migrate.postgres.js';
import { createPool, type Pool } from '../src/database/pool.postgres.js';
import { PositionLeases } from '../src/positions/position-leases.postgres.js';
import { LogPositions } from '../src/positions/positions.postgres.js';
import { createTestDatabase, silent, type TestDatabase } from './_util.js';

let database: TestDatabase;
let pool: Pool;

const topic = 'ride.telemetry';
const identity = { clusterId: 'c', topicId: 't' };
const requested = [0, 1, 2, 3].map((partition) => ({ topic, partition, target: 100n }));

beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ url: database.url, size: 4, logger: silent });
  await migrate(pool);
  await new LogPositions(pool).begin(
    requested.map(({ partition }) => ({ topic, partition, nextOffset: BigInt(10 * partition), identity })),
  );
});

afterEach(async () => {
  await pool.end();
  await database[Symbol.asyncDispose]();
});

const numbers = (leased: readonly { partition: number }[]) => leased.map(({ partition }) => partition).sort();

describe(PositionLeases, () => {
  it('leases a partition to one holder at a time, largest remainder first', async () => {
    const [one, other] = [new PositionLeases(pool), new PositionLeases(pool)];
    expect(numbers(await one.acquire(requested, 2))).toEqual([0, 1]);
    expect(await other.acquire(requested, 4)).toEqual(
      expect.arrayContaining([
        { topic, partition: 2, nextOffset: 20n },
        { topic, partition: 3, nextOffset: 30n },
      ]),
    );
    expect(await one.acquire([requested[2]!, requested[3]!], 4)).toEqual([]);
  });

  it('shares partitions among holders that acquire at the same time', async () => {
    const holders = [1, 2, 3].map(() => new PositionLeases(pool));
    const leased = await Promise.all(holders.map((holder) => holder.acquire(requested, 4)));
    const all = numbers(leased.flat());
    expect(all).toEqual([...new Set(all)]);
  });

  it('leases partitions again after their release or expiry', async () => {
    const [one, other] = [new PositionLeases(pool), new PositionLeases(pool)];
    await one.acquire(requested, 2);
    await one.release();
    expect(numbers(await other.acquire(requested, 4))).toEqual([0, 1, 2, 3]);
    await database.query(`UPDATE ride.log_positions SET leased_until = now() - interval '1 second'`);
    expect(numbers(await one.acquire(requested, 4))).toEqual([0, 1, 2, 3]);
  });

  it('does not lease complete partitions, or positions of another job', async () => {
    await database.query('UPDATE ride.log_positions SET next_offset = 100 WHERE partition = 1');
    expect(numbers(await new PositionLeases(pool).acquire(requested, 4))).toEqual([0, 2, 3]);
    expect(await new PositionLeases(pool, 'audit').acquire(requested, 4)).toEqual([]);
  });
});
