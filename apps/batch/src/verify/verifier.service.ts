import { deadLetterTopic } from '@hailstream/events';
import type { Admin, RangeReader } from '@hailstream/log';
import { ADMIN, RANGE_READER } from '@hailstream/nest';
import { Inject, Injectable } from '@nestjs/common';
import type pg from 'pg';
import { POOL, type Pool } from '../database/pool.postgres.js';
import { withSnapshot } from '../database/snapshot.postgres.js';
import type { Progress } from '../load/load-run.js';
import { inspect } from '../positions/inspect.js';
import { LogPositions } from '../positions/positions.postgres.js';
import { TABLES, type Tables } from '../rows/tables.js';
import { PendingRejects } from './pending-rejects.js';
import { RemovedEvents } from './removed-events.postgres.js';
import { TopicVerifier, type VerifyWindow } from './topic-verifier.postgres.js';
import { isConsistent, type TopicVerification, type VerifyResult } from './verify-result.js';

/** Bytes of a page that are not rows, and the smallest size of a row in it: its header and its pointer. */
const PAGE_HEADER_BYTES = 24;
const MIN_ROW_BYTES = 28;
/** The migration that added `received_at`. */
const RECEIVED_AT_VERSION = 9;

export interface VerifyOptions extends VerifyWindow {
  readonly topics: readonly string[];
}

/** Compares the log with the tables. Reads only. */
@Injectable()
export class Verifier {
  constructor(
    @Inject(POOL) private readonly pool: Pool,
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(RANGE_READER) private readonly reader: RangeReader,
    @Inject(TABLES) private readonly tables: Tables,
  ) {}

  /**
   * Compares, in each partition, the records that the log still has before the position with the rows and rejects of one
   * snapshot, which is that of the positions. Rows and positions are committed together, so running loads make no
   * difference.
   *
   * @throws LogError or pg.DatabaseError if the log or Postgres does not respond
   */
  async verify(
    options: VerifyOptions,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void = () => {},
  ): Promise<VerifyResult> {
    const startedAt = performance.now();
    const results = await withSnapshot(this.pool, async (client) => {
      await requireSchema(client);
      return this.verifyTopics(client, options, { signal, onProgress });
    });
    const topics = Object.fromEntries(results);
    const seconds = Math.round(performance.now() - startedAt) / 1_000;
    return { ok: Object.values(topics).every(isConsistent), topics, seconds };
  }

  private async verifyTopics(
    client: pg.ClientBase,
    { topics, ...window }: VerifyOptions,
    { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => void },
  ): Promise<[string, TopicVerification][]> {
    const { admin, reader } = this;
    const positions = new LogPositions(client);
    const all = await inspect({ admin, positions, topics: [...topics, deadLetterTopic.name] });
    const deadLetters = all.filter(({ topic }) => topic === deadLetterTopic.name);
    const pending = await PendingRejects.read(reader, deadLetters, signal);
    const maxRowsPerPage = await readMaxRowsPerPage(client);
    const isReceiptKnown = await hasReceiptSinceFirstLoad(client);
    const removed = await RemovedEvents.read(client);
    let total = 0n;
    let done = 0n;
    const onPassed = (offsets: bigint): void => {
      done += offsets;
      onProgress({ total: Number(total), done: Number(done) });
    };
    const verifiers: [string, TopicVerifier][] = [];
    for (const topic of topics) {
      const inspected = all.filter(
        (each) => each.topic === topic && (window.partition ?? each.partition) === each.partition,
      );
      const table = this.tables.get(topic)!;
      const verifier = await TopicVerifier.plan({
        client,
        admin,
        reader,
        table,
        inspected,
        pending,
        window,
        maxRowsPerPage,
        isReceiptKnown,
        removed,
        signal,
        onPassed,
      });
      verifiers.push([topic, verifier]);
    }
    total = verifiers.reduce((sum, [, verifier]) => sum + verifier.total, 0n);
    const results: [string, TopicVerification][] = [];
    for (const [topic, verifier] of verifiers) results.push([topic, await verifier.verify()]);
    return results;
  }
}

/** Nothing is migrated, because a comparison must not write. */
async function requireSchema(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ present: boolean }>(
    `SELECT count(*) = 1 AND to_regclass('ride.erasures') IS NOT NULL AS present FROM pg_attribute
     WHERE attrelid = to_regclass('ride.telemetry') AND attname = 'received_at'`,
  );
  if (rows[0]?.present !== true) {
    throw new Error('the schema is not up to date: run npm run batch -- migrate, or a load, first');
  }
}

async function readMaxRowsPerPage(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ bytes: number }>(
    `SELECT current_setting('block_size')::integer AS bytes`,
  );
  return Math.floor((rows[0]!.bytes - PAGE_HEADER_BYTES) / MIN_ROW_BYTES);
}

/**
 * Whether rows have always had `received_at`: the migration that added it was applied together with the first ones. Only then
 * a row without it is known not to be older.
 */
async function hasReceiptSinceFirstLoad(client: pg.ClientBase): Promise<boolean> {
  const { rows: tables } = await client.query<{ exists: boolean }>(
    `SELECT to_regclass('ride.hailstream_migrations') IS NOT NULL AS exists`,
  );
  // The first release had another table.
  if (tables[0]?.exists !== true) return false;
  const { rows } = await client.query<{ together: boolean | null }>(
    `SELECT max(applied_at) - min(applied_at) < interval '1 minute' AS together
     FROM ride.hailstream_migrations WHERE version <= $1`,
    [RECEIVED_AT_VERSION],
  );
  return rows[0]?.together === true;
}
