import type pg from 'pg';
import { inTransaction, type Pool } from '../database/pool.postgres.js';
import { refreshCellHours } from './cell-hours.postgres.js';
import { refreshCellQuarters } from './cell-quarters.postgres.js';
import { refreshCellSupply } from './cell-supply.postgres.js';
import { refreshCellTotals } from './cell-totals.postgres.js';
import { refreshProviderQuarters } from './provider-quarters.postgres.js';
import { refreshRideOutcomes } from './ride-outcomes.postgres.js';
import { claimQuarters, countStale } from './stale-quarters.postgres.js';
import { refreshStateDays } from './state-days.postgres.js';
import { refreshStateHours } from './state-hours.postgres.js';
import { refreshStatePeriods } from './state-periods.postgres.js';
import { refreshPositionDays } from './position-days.postgres.js';
import { daysOf, hourOf, rangesOf } from './time-ranges.js';
import { refreshUnmetRequests } from './unmet-requests.postgres.js';
import { refreshVehicleQuarters } from './vehicle-quarters.postgres.js';
import { refreshZoneHours } from './zone-hours.postgres.js';
import { refreshZoneQuarters } from './zone-quarters.postgres.js';

/** Advisory lock of the process that calculates aggregates. The same number in every process. */
const LOCK = 7_245_131;

/** Quarters of the first transaction, and of any. The number is doubled or halved with the duration of the transactions. */
const FIRST_QUARTERS = 8;
const MAX_QUARTERS = 96;
const SHORT_MS = 2_000;
const LONG_MS = 10_000;
/** Maximum duration of a statement: a quarter with some ten million positions. */
const STATEMENT_TIMEOUT_MS = 600_000;
/**
 * Memory of each sort, hash table and stored result of a statement, which has up to some ten of them. More is written to temporary
 * files. Hash tables may have no multiple of it, which is the default of Postgres.
 */
const WORK_MEMORY = '8MB';
const HASH_MEMORY_MULTIPLIER = 1;

interface RefreshOptions {
  readonly signal?: AbortSignal;
  /** Called after each transaction with the number of quarters that were calculated, and of those that are still marked. */
  readonly onRefreshed?: (progress: { readonly done: number; readonly left: number }) => void;
}

/**
 * Calculates the aggregates of the quarters that loads have marked, until none is marked or the signal is aborted. Each
 * transaction deletes marks and writes the aggregates of their quarters, so that an interrupted refresh is continued by
 * the next one. Concurrent calls of other processes take turns. Returns the number of calculated quarters.
 *
 * @throws DatabaseError if Postgres reports an error
 */
export async function refreshAggregates(
  pool: Pool,
  { signal, onRefreshed }: RefreshOptions = {},
): Promise<number> {
  let done = 0;
  for (let limit = FIRST_QUARTERS; signal?.aborted !== true;) {
    const startedAt = performance.now();
    const refreshed = await inTransaction(pool, (client) => refreshQuarters(client, limit));
    if (refreshed === 0) break;
    done += refreshed;
    onRefreshed?.({ done, left: await countStale(pool) });
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs < SHORT_MS) limit = Math.min(2 * limit, MAX_QUARTERS);
    else if (elapsedMs > LONG_MS) limit = Math.max(1, limit >> 1);
  }
  return done;
}

/** Waits for the refresh of another process, and prepares the current transaction for the calculation of aggregates. */
export async function beginRefresh(client: pg.ClientBase): Promise<void> {
  await client.query(
    `SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET LOCAL work_mem = '${WORK_MEMORY}';
     SET LOCAL hash_mem_multiplier = ${HASH_MEMORY_MULTIPLIER}`,
  );
  await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
}

/** Calculates the aggregates of some quarters in the current transaction. Returns their number. */
async function refreshQuarters(client: pg.ClientBase, limit: number): Promise<number> {
  await beginRefresh(client);
  const quarters = await claimQuarters(client, limit);
  if (quarters.length === 0) return 0;
  const ranges = rangesOf(quarters);
  const { changed, linkedQuarters } = await refreshVehicleQuarters(client, ranges);
  await refreshPositionDays(client, daysOf([...quarters, ...linkedQuarters]));
  const hours = [...new Set(quarters.map(hourOf))];
  const changedHours = await refreshStatePeriods(client, ranges, changed);
  const stateHours = [...new Set([...changedHours, ...hours])];
  await refreshStateHours(client, stateHours);
  await refreshStateDays(client, daysOf(stateHours));
  await refreshCellQuarters(client, ranges);
  await refreshCellHours(client, hours);
  await refreshCellTotals(client, quarters);
  await refreshProviderQuarters(client, ranges);
  const requests = await refreshRideOutcomes(client, ranges);
  await refreshZoneHours(client, [...new Set([...hours, ...requests.hours])]);
  const demandQuarters = [...new Set([...quarters, ...requests.unmetQuarters])];
  await refreshUnmetRequests(client, demandQuarters);
  await refreshCellSupply(client, demandQuarters);
  await refreshZoneQuarters(client, demandQuarters);
  return quarters.length;
}
