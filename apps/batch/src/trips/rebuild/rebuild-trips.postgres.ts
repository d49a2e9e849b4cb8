import { setImmediate as afterIo } from 'node:timers/promises';
import type pg from 'pg';
import { inTransaction, type Pool } from '../../database/pool.postgres.js';
import { compareTrips } from '../comparison/compare-trips.postgres.js';
import type { RouteMatcher } from '../matching/route-matcher.js';
import type { Fix } from '../path/fix.js';
import { rebuildTrip, telemetryPeriodOf, type TelemetryPeriod } from '../course/rebuilt-trip.js';
import { courseOf, type TripCourse } from '../course/trip-course.js';
import type { TripEvents } from '../course/trip-events.js';
import {
  claimTrips,
  markSilentTrips,
  readMarkLimits,
  resolveVehicleMarks,
  type ClaimedTrip,
  type MarkLimits,
} from './claim-marks.postgres.js';
import { readEvents, readSuperseded, readTelemetry } from './read-trip-data.postgres.js';
import { writeTrips, type TripRow } from './write-trips.postgres.js';

/** Advisory lock of the process that rebuilds trips. The same number in every process. */
const LOCK = 7_245_121;
/**
 * Trips whose telemetry is in memory at the same time, limited by its time: about 20,000 points at one per second. They are matched
 * to roads within seconds, between two statements of a transaction.
 */
const MAX_TELEMETRY_MS = 20_000_000;

export interface RebuildCounts {
  /** Trips that were rebuilt because something was loaded that may change them. */
  readonly rebuilt: number;
  /** Those of them whose row was inserted or has changed. */
  readonly changed: number;
}

interface RebuildOptions {
  readonly signal: AbortSignal;
  readonly nowMs: number;
  /** Matches routes to roads. @default none are matched, and known matches are kept */
  readonly matcher?: RouteMatcher | null;
  /** Called after each transaction. */
  readonly onRebuilt?: (counts: RebuildCounts) => void;
}

/**
 * Rebuilds the trips that are marked, in transactions that each delete the marks of the trips that they write. It may be
 * stopped or killed at any time: the next rebuild continues. Several processes may do this at the same time; their
 * transactions wait for each other, because a trip that one rebuilds may have to be found by the other. Trips that have changed are
 * compared with their reports at the end.
 *
 * @throws DatabaseError if Postgres reports an error
 */
export async function rebuildTrips(
  pool: Pool,
  { signal, nowMs, matcher = null, onRebuilt = () => {} }: RebuildOptions,
): Promise<RebuildCounts> {
  let total: RebuildCounts = { rebuilt: 0, changed: 0 };
  await locked(pool, (client) => markSilentTrips(client, nowMs));
  const { vehicles } = await readMarkLimits(pool);
  // Vehicles first: the trips that are marked by their own events have their telemetry then.
  while (!signal.aborted) {
    const limits = { vehicles, trips: '0' };
    if ((await locked(pool, (client) => resolveVehicleMarks(client, limits))) === 0) break;
  }
  const limits = await readMarkLimits(pool);
  while (!signal.aborted) {
    const counts = await locked(pool, (client) => rebuildClaimed(client, limits, { nowMs, matcher }));
    if (counts === null) break;
    total = { rebuilt: total.rebuilt + counts.rebuilt, changed: total.changed + counts.changed };
    onRebuilt(total);
  }
  await compareTrips(pool, signal);
  return total;
}

/** Runs `work` in a transaction of which there is one at a time, in all processes. */
function locked<T>(pool: Pool, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  return inTransaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    // All lookups are by key. Without statistics, the planner may read whole partitions instead.
    await client.query(
      'SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off',
    );
    return work(client);
  });
}

/** A trip with its events, which has to be rebuilt. */
interface TripInWork {
  readonly index: number;
  readonly providerId: string;
  readonly tripId: string;
  readonly claimed: ClaimedTrip;
  readonly events: number;
  readonly course: TripCourse;
  readonly period: TelemetryPeriod | null;
}

/** Returns `null` if there is no mark. */
async function rebuildClaimed(
  client: pg.ClientBase,
  limits: MarkLimits,
  { nowMs, matcher }: Required<Pick<RebuildOptions, 'nowMs' | 'matcher'>>,
): Promise<RebuildCounts | null> {
  const claimed = await claimTrips(client, limits);
  if (claimed === null) return null;
  const events = await readEvents(client, claimed);
  const trips = claimed.flatMap((trip, index) => toTripInWork(trip, index, events[index]!));
  const superseded = await readSuperseded(
    client,
    trips.filter(({ course }) => course.stage === 'open'),
  );
  let changed = 0;
  for (const part of byTelemetry(trips)) {
    const periods = part.flatMap(({ index, providerId, period }) =>
      period === null ? [] : [{ index, providerId, ...period }],
    );
    const telemetry = periods.length === 0 ? new Map<number, Fix[]>() : await readTelemetry(client, periods);
    const rows: TripRow[] = [];
    for (const trip of part) {
      const points = telemetry.get(trip.index) ?? [];
      const isSuperseded = superseded.has(trip.index);
      rows.push(...rowOf(trip, points, { isSuperseded, nowMs, matcher }));
      // Matching takes milliseconds for each trip: requests are answered in between.
      if (matcher !== null) await afterIo();
    }
    changed += await writeTrips(client, rows, { isMatched: matcher !== null });
  }
  return { rebuilt: claimed.length, changed };
}

function toTripInWork(claimed: ClaimedTrip, index: number, events: TripEvents): TripInWork[] {
  const course = courseOf(events);
  if (course === null) return [];
  const { providerId, tripId } = claimed;
  const count = events.vehicle.length + events.rider.length;
  const period = telemetryPeriodOf(course);
  return [{ index, providerId, tripId, claimed, events: count, course, period }];
}

/** Returns no row if rows that the trip was rebuilt from have been deleted since: the trip keeps what they have shown. */
function rowOf(
  { providerId, tripId, claimed: { known }, events, course, period }: TripInWork,
  telemetry: readonly Fix[],
  options: {
    readonly isSuperseded: boolean;
    readonly nowMs: number;
    readonly matcher: RouteMatcher | null;
  },
): TripRow[] {
  if (known !== null) {
    if (events < known.events) return [];
    const isCovered =
      known.telemetryFrom !== null &&
      known.telemetryTo !== null &&
      period !== null &&
      period.from <= known.telemetryFrom &&
      period.to >= known.telemetryTo;
    if (isCovered && telemetry.length < known.points) return [];
  }
  return [
    { provider_id: providerId, trip_id: tripId, ...rebuildTrip(course, { events, telemetry, ...options }) },
  ];
}

/** Divides trips into parts whose telemetry is read together. */
function* byTelemetry(trips: readonly TripInWork[]): Generator<TripInWork[]> {
  let part: TripInWork[] = [];
  let ms = 0;
  for (const trip of trips) {
    const added = trip.period === null ? 0 : trip.period.to - trip.period.from;
    if (part.length > 0 && ms + added > MAX_TELEMETRY_MS) {
      yield part;
      part = [];
      ms = 0;
    }
    part.push(trip);
    ms += added;
  }
  if (part.length > 0) yield part;
}
