import { erasureTopic, type ErasureRecord } from '@hailstream/events';
import { createProducer, type Admin } from '@hailstream/log';
import { ADMIN, LOGGER } from '@hailstream/nest';
import { backoffMs } from '@hailstream/service/backoff';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { Inject, Injectable } from '@nestjs/common';
import pg from 'pg';
import { LOAD_CONFIG, type LoadConfig } from '../config.js';
import { inTransaction, POOL, type Pool } from '../database/pool.postgres.js';
import { TABLES, type Tables } from '../rows/tables.js';
import { compareTrips } from '../trips/comparison/compare-trips.postgres.js';
import { hashOf, readSalt } from './erased-ids.postgres.js';
import {
  coarsenTrips,
  countDeadLetters,
  countRows,
  eraseDeadLetters,
  eraseFrom,
  type Erasure,
} from './erase-rows.postgres.js';
import { hasId, personalTables, type PersonalTable } from './personal-columns.postgres.js';

/** Maximum time for which loads wait behind the lock that stores an erasure, while it waits for chunks that are written. */
const BLOCK_MS = 5_000;
const MAX_ATTEMPTS = 6;
const RETRY_BACKOFF = { firstMs: 500, maxMs: 4_000 };
const LOCK_NOT_AVAILABLE = '55P03';
/** Passes over the tables: a job that had read the rows before may write what it derives from them after the first one. */
const MAX_PASSES = 3;

/** What was erased from one table. */
interface ErasedTable {
  /** Rows with the id before and after. */
  readonly before: number;
  readonly after: number;
  readonly removed: number;
  readonly pseudonymised: number;
  /** The query that counts the rows with the id. */
  readonly check: string;
}

export interface ErasureResult extends Erasure {
  /** The record that informs other consumers; `null` if none was written. */
  readonly event: { readonly topic: string; readonly partition: number; readonly offset: number } | null;
  readonly tables: Readonly<Record<string, ErasedTable>>;
  readonly removed: number;
  readonly pseudonymised: number;
  /** Rows that still have the id. */
  readonly remaining: number;
  readonly dryRun: boolean;
  readonly seconds: number;
}

interface EraseOptions {
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress?: (table: string, erased: ErasedTable) => void;
}

/** Erases riders and devices. */
@Injectable()
export class Eraser {
  constructor(
    @Inject(LOAD_CONFIG) private readonly config: LoadConfig,
    @Inject(TABLES) private readonly tables: Tables,
    @Inject(POOL) private readonly pool: Pool,
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Erases an id and informs other consumers first: if this is interrupted, the next load completes it.
   *
   * @throws LogError if the log does not accept the record; then nothing was erased
   * @throws DatabaseError if Postgres reports an error
   */
  async erase(erasure: Erasure, options: EraseOptions): Promise<ErasureResult> {
    const startedAt = performance.now();
    const requestedAt = Date.now();
    const event = options.isDryRun ? null : await this.writeEvent({ ...erasure, requested_at: requestedAt });
    const tables = await this.eraseTables(erasure, requestedAt, options);
    const all = Object.values(tables);
    return {
      ...erasure,
      event,
      tables,
      removed: sum(all, ({ removed }) => removed),
      pseudonymised: sum(all, ({ pseudonymised }) => pseudonymised),
      remaining: sum(all, ({ after }) => after),
      dryRun: options.isDryRun,
      seconds: Math.round(performance.now() - startedAt) / 1_000,
    };
  }

  /** Erases the id of a record of the log, unless this database has completed it. */
  async apply({ kind, id, requested_at: requestedAt }: ErasureRecord, signal: AbortSignal): Promise<void> {
    const hash = hashOf(await readSalt(this.pool), kind, id);
    const { rowCount } = await this.pool.query(
      'SELECT FROM ride.erasures WHERE kind = $1 AND id_hash = $2 AND completed_at IS NOT NULL',
      [kind, hash],
    );
    if (rowCount === 1) return;
    const tables = Object.values(
      await this.eraseTables({ kind, id }, requestedAt, { isDryRun: false, signal }),
    );
    const fields = {
      kind,
      removed: sum(tables, ({ removed }) => removed),
      pseudonymised: sum(tables, ({ pseudonymised }) => pseudonymised),
    };
    this.logger.info(fields, 'erased an id that the log requests');
  }

  private async writeEvent(record: ErasureRecord): Promise<ErasureResult['event']> {
    await this.admin.ensureTopics([erasureTopic]);
    await using producer = createProducer({ connection: this.config.connection, logger: this.logger });
    const message = { topic: erasureTopic.name, key: record.id, value: Buffer.from(JSON.stringify(record)) };
    const [result] = await producer.send([message]);
    if (result?.kind !== 'appended') throw result?.error ?? new Error('the log did not report a result');
    return { topic: erasureTopic.name, partition: result.partition, offset: Number(result.offset) };
  }

  private async eraseTables(
    erasure: Erasure,
    requestedAt: number,
    options: EraseOptions,
  ): Promise<Record<string, ErasedTable>> {
    const tables = await personalTables(this.pool, erasure.kind);
    const counts = new Map<string, ErasedTable>();
    for (const table of tables) {
      const before = await countRows(this.pool, table, erasure.id);
      counts.set(table.name, nothingErased(before, checkOf(table, erasure.id)));
    }
    const before = await countDeadLetters(this.pool, erasure.id);
    counts.set(DEAD_LETTERS, nothingErased(before, CHECK_DEAD_LETTERS.replaceAll('$1', erasure.id)));
    if (!options.isDryRun) {
      const number = await this.store(erasure, requestedAt, options.signal);
      for (let pass = 1; pass <= MAX_PASSES; pass += 1) {
        await this.eraseOnce(erasure, tables, { ...options, counts, pass });
        if (sum([...counts.values()], ({ after }) => after) === 0) break;
      }
      // The rows of trips that were compared have been deleted: they are written again, without the id.
      await compareTrips(this.pool, options.signal);
      await this.complete(number, [...counts.values()]);
    }
    for (const [name, erased] of counts) options.onProgress?.(name, erased);
    return Object.fromEntries(counts);
  }

  /** One pass over all tables, the trips first: a rider's are found by the rider's events. */
  private async eraseOnce(
    { kind, id }: Erasure,
    tables: readonly PersonalTable[],
    {
      signal,
      counts,
      pass,
    }: { readonly signal: AbortSignal; readonly counts: Map<string, ErasedTable>; readonly pass: number },
  ): Promise<void> {
    if (kind === 'rider' && pass === 1) {
      const withId = new Set(tables.map(({ name }) => name));
      for (const trips of await personalTables(this.pool, 'device')) {
        if (!trips.isTrip || withId.has(trips.name)) continue;
        const pseudonymised = await coarsenTrips(this.pool, trips, id);
        const known = counts.get(trips.name) ?? nothingErased(0, '');
        if (pseudonymised > 0) counts.set(trips.name, { ...known, pseudonymised });
      }
    }
    for (const table of tables) {
      const { removed, pseudonymised } = await eraseFrom(this.pool, table, { id, signal });
      const known = counts.get(table.name)!;
      counts.set(table.name, {
        ...known,
        removed: known.removed + removed,
        pseudonymised: known.pseudonymised + pseudonymised,
        after: await countRows(this.pool, table, id),
      });
    }
    const known = counts.get(DEAD_LETTERS)!;
    const removed = known.removed + (await eraseDeadLetters(this.pool, id));
    counts.set(DEAD_LETTERS, { ...known, removed, after: await countDeadLetters(this.pool, id) });
  }

  /** Stores the hash of the id. No load commits rows of the id afterwards: the lock waits for those that are writing. */
  private async store({ kind, id }: Erasure, requestedAt: number, signal: AbortSignal): Promise<string> {
    const locked = [...this.tables.values()].map(({ name }) => `ride.${name}`);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await inTransaction(this.pool, async (client) => {
          await client.query(`SET LOCAL lock_timeout = ${BLOCK_MS}`);
          await client.query(
            `LOCK TABLE ONLY ${locked.join(', ONLY ')}, ride.${DEAD_LETTERS} IN SHARE ROW EXCLUSIVE MODE`,
          );
          const { rows } = await client.query<{ number: string }>(
            `INSERT INTO ride.erasures (kind, id_hash, requested_at) VALUES ($1, $2, $3)
             ON CONFLICT (kind, id_hash) DO UPDATE SET completed_at = NULL RETURNING number`,
            [kind, hashOf(await readSalt(client), kind, id), new Date(requestedAt)],
          );
          return rows[0]!.number;
        });
      } catch (error) {
        const isLocked = error instanceof pg.DatabaseError && error.code === LOCK_NOT_AVAILABLE;
        if (!isLocked || attempt + 1 === MAX_ATTEMPTS) throw error;
        await sleep(backoffMs(attempt, RETRY_BACKOFF), signal);
        signal.throwIfAborted();
      }
    }
  }

  private async complete(number: string, tables: readonly ErasedTable[]): Promise<void> {
    await this.pool.query(
      `UPDATE ride.erasures SET removed_rows = removed_rows + $2, pseudonymised_rows = pseudonymised_rows + $3,
         completed_at = CASE WHEN $4::bigint = 0 THEN now() END
       WHERE number = $1`,
      [
        number,
        sum(tables, ({ removed }) => removed),
        sum(tables, ({ pseudonymised }) => pseudonymised),
        sum(tables, ({ after }) => after),
      ],
    );
  }
}

const DEAD_LETTERS = 'dead_letters';
const CHECK_DEAD_LETTERS = `SELECT count(*) FROM ride.dead_letters WHERE reason ILIKE '%$1%' OR encode(value, 'escape') ILIKE '%$1%' OR encode(key, 'escape') ILIKE '%$1%'`;

function nothingErased(before: number, check: string): ErasedTable {
  return { before, after: before, removed: 0, pseudonymised: 0, check };
}

function checkOf(table: PersonalTable, id: string): string {
  return `SELECT count(*) FROM ride.${table.name} WHERE ${hasId(table, `'${id}'::uuid`)}`;
}

function sum<T>(all: readonly T[], numberOf: (each: T) => number): number {
  return all.reduce((total, each) => total + numberOf(each), 0);
}
