import type { ReportPeriod } from '@hailstream/events/reports';
import type pg from 'pg';
import { CELL_QUARTERS, FARES, OF_PROVIDER, PICKED_UP, REQUESTED, SENT, within } from './sources.js';
import type { ReportArea } from './zones.js';

/** Which rides and vehicles a report is about. */
interface ReportFilter {
  readonly providerId: string | null;
  /** `null`: everywhere. */
  readonly area: ReportArea | null;
}

/** Figures of all rides of a period. Waits and durations are in seconds, `null` without a ride that has one. */
export interface PeriodTotals {
  readonly requests: number;
  readonly completed: number;
  readonly cancelled_by_rider: number;
  readonly cancelled_by_driver: number;
  readonly cancelled_by_provider: number;
  readonly on_trip: number;
  readonly open: number;
  /** Rides with a wait. */
  readonly waits: number;
  readonly median_wait: number | null;
  readonly p90_wait: number | null;
  /** Rides with a duration. */
  readonly durations: number;
  readonly median_ride: number | null;
  readonly trips: number;
}

/** Seconds that vehicles spent in each state, and the number of hours in which any was known. */
export interface VehicleTime {
  readonly available: number;
  readonly reserved: number;
  readonly on_trip: number;
  readonly stopped: number;
  readonly off: number;
  readonly hours: number;
}

/** Earnings in a currency. */
export interface Earnings {
  readonly currency: string;
  readonly trips: number;
  /** Cost of the trips, in minor units. */
  readonly total: number;
}

/** Figures of the rides that were requested in an interval, or in a zone. */
export interface RideFigures {
  readonly requests: number;
  readonly cancelled: number;
  readonly waits: number;
  readonly median_wait: number | null;
  readonly p90_wait: number | null;
}

/** The figures of intervals, each by its start in milliseconds or the hour of the day. */
export interface Series {
  readonly rides: ReadonlyMap<number, RideFigures>;
  readonly trips: ReadonlyMap<number, { readonly trips: number }>;
  /** Empty if the report is limited to an area: vehicles are not in one place. */
  readonly vehicles: ReadonlyMap<number, VehicleTime>;
  readonly positions: ReadonlyMap<number, { readonly positions: number }>;
}

/** Supply and demand in an H3 cell of resolution 9. */
export interface CellFigures {
  readonly cell: string;
  readonly requests: number;
  readonly unmet: number;
  /** Triples of a vehicle, a quarter of an hour and a cell of resolution 9 in which it was available. */
  readonly visits: number;
  /** Time that vehicles were available. */
  readonly available_seconds: number;
  readonly pick_ups: number;
  readonly positions: number;
}

/** Rides that were requested in a zone. */
export interface ZoneFigures extends RideFigures {
  readonly id: string;
  readonly unmet: number;
  readonly completed: number;
}

/** What a provider sent. */
export interface QualityRow {
  readonly provider_id: string;
  readonly positions: number;
  readonly vehicle_events: number;
  readonly rider_events: number;
  readonly trips: number;
  readonly duplicates: number;
  readonly late: number;
  /** Positions whose time of receipt is known. */
  readonly received: number;
  readonly silences: number;
  readonly silence_seconds: number;
}

/** How many trips an operator reported as they were rebuilt from events, or with a difference. */
export interface ComparisonRow {
  readonly verdict: string;
  readonly trips: number;
}

const STATES = [
  'available',
  'reserved',
  'on_trip',
  'stopped',
  'off',
] as const satisfies readonly (keyof VehicleTime)[];

const SENT_COLUMNS = [
  'positions',
  'vehicle_events',
  'rider_events',
  'trips',
  'duplicates',
  'late',
  'received',
  'silences',
  'silence_seconds',
] as const satisfies readonly (keyof QualityRow)[];

type SeriesKey = 'interval' | 'hour';

const RIDE_FIGURES = `
  count(*)::int AS requests,
  count(*) FILTER (WHERE outcome = 'cancelled')::int AS cancelled,
  count(wait_seconds)::int AS waits,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY wait_seconds) AS median_wait,
  percentile_cont(0.9) WITHIN GROUP (ORDER BY wait_seconds) AS p90_wait`;

/** A vehicle that became available after its last position in a cell is not counted there, but its time is. */
const VISITS = 'sum(greatest(available_vehicles, (available_seconds > 0)::int))';

/** Reads the figures of one period. sources.ts defines what they are computed from. */
export class PeriodQuery {
  private readonly bounds: readonly [string, string, string | null];
  private readonly values: readonly unknown[];

  constructor(
    private readonly client: pg.ClientBase,
    private readonly period: ReportPeriod,
    private readonly filter: ReportFilter,
  ) {
    this.bounds = [period.from, period.to, filter.providerId];
    this.values = [...this.bounds, filter.area?.cells ?? null];
  }

  async totals(): Promise<PeriodTotals> {
    const [rides] = await this.rows<PeriodTotals>(
      `SELECT ${RIDE_FIGURES},
         count(*) FILTER (WHERE outcome = 'completed')::int AS completed,
         count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'rider')::int AS cancelled_by_rider,
         count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'driver')::int AS cancelled_by_driver,
         count(*) FILTER (WHERE outcome = 'cancelled' AND cancelled_by = 'provider')::int AS cancelled_by_provider,
         count(*) FILTER (WHERE outcome = 'on_trip')::int AS on_trip,
         count(*) FILTER (WHERE outcome = 'open')::int AS open,
         count(ride_seconds)::int AS durations,
         percentile_cont(0.5) WITHIN GROUP (ORDER BY ride_seconds) AS median_ride
       ${REQUESTED}`,
      this.values,
    );
    const [begun] = await this.rows<{ trips: number }>(
      `SELECT count(*)::int AS trips ${PICKED_UP}`,
      this.values,
    );
    return { ...rides!, ...begun! };
  }

  /** `undefined` if nothing is known of vehicles, or the report is limited to an area. */
  async vehicleTime(): Promise<VehicleTime | undefined> {
    const rows = await this.vehicleTimes('0');
    return rows.get(0);
  }

  /** Earnings in the currency of most trips; `undefined` if no trip has a cost, or the report is limited to an area. */
  async earnings(): Promise<Earnings | undefined> {
    if (this.filter.area !== null) return undefined;
    const [most] = await this.rows<Earnings>(
      `SELECT currency, count(*)::int AS trips, sum(actual_cost)::float8 AS total ${FARES}
       GROUP BY currency ORDER BY 2 DESC, 1 LIMIT 1`,
      this.bounds,
    );
    return most;
  }

  /** Figures of the intervals of the period, or of the hours of the day over all of its days. */
  async series(by: SeriesKey): Promise<Series> {
    const key = (column: string): string => this.keyOf(by, column);
    return {
      rides: await this.keyed(
        `SELECT ${key('requested_at')} AS key, ${RIDE_FIGURES} ${REQUESTED} GROUP BY 1`,
        this.values,
      ),
      trips: await this.keyed(
        `SELECT ${key('picked_up_at')} AS key, count(*)::int AS trips ${PICKED_UP} GROUP BY 1`,
        this.values,
      ),
      vehicles: await this.vehicleTimes(key('hour')),
      positions: await this.keyed(
        `SELECT ${key('quarter')} AS key, sum(positions)::float8 AS positions ${CELL_QUARTERS} GROUP BY 1`,
        this.values,
      ),
    };
  }

  async cells(): Promise<CellFigures[]> {
    return this.rows(
      `SELECT cell, sum(requests)::int AS requests, sum(unmet)::int AS unmet, sum(visits)::int AS visits,
         sum(available_seconds)::float8 AS available_seconds, sum(pick_ups)::int AS pick_ups,
         sum(positions)::float8 AS positions
       FROM (
         SELECT h3_cell AS cell, count(*) AS requests, count(*) FILTER (WHERE picked_up_at IS NULL) AS unmet,
           0 AS visits, 0 AS available_seconds, 0 AS pick_ups, 0 AS positions
         ${REQUESTED} GROUP BY h3_cell
         UNION ALL
         SELECT to_hex(h3_cell), 0, 0, ${VISITS}, sum(available_seconds), sum(pick_ups), sum(positions)
         ${CELL_QUARTERS} GROUP BY h3_cell
       ) AS counts
       GROUP BY cell ORDER BY cell`,
      this.values,
    );
  }

  /** Figures of zones in which rides were requested. A ride counts in all zones that contain its cell. */
  async zones(areas: readonly ReportArea[]): Promise<ZoneFigures[]> {
    const pairs = areas.flatMap(({ id, cells }) => cells.map((cell) => [id, cell] as const));
    return this.rows(
      `SELECT zones.id, ${RIDE_FIGURES}, count(*) FILTER (WHERE outcome = 'completed')::int AS completed,
         count(*) FILTER (WHERE picked_up_at IS NULL)::int AS unmet
       FROM (SELECT * ${REQUESTED}) AS rides
       JOIN unnest($5::text[], $6::text[]) AS zones (id, cell) ON zones.cell = rides.h3_cell
       GROUP BY zones.id ORDER BY zones.id`,
      [...this.values, pairs.map(([id]) => id), pairs.map(([, cell]) => cell)],
    );
  }

  /** Pick-ups of vehicles in zones, by the id of the zone. */
  async zonePickUps(areas: readonly ReportArea[]): Promise<ReadonlyMap<string, number>> {
    const pairs = areas.flatMap(({ id, cells }) => cells.map((cell) => [id, cell] as const));
    const rows = await this.rows<{ id: string; pick_ups: number }>(
      `SELECT zones.id, sum(pick_ups)::int AS pick_ups
       FROM (SELECT to_hex(h3_cell) AS cell, sum(pick_ups) AS pick_ups ${CELL_QUARTERS} GROUP BY h3_cell) AS cells
       JOIN unnest($5::text[], $6::text[]) AS zones (id, cell) USING (cell)
       WHERE pick_ups > 0 GROUP BY zones.id`,
      [...this.values, pairs.map(([id]) => id), pairs.map(([, cell]) => cell)],
    );
    return new Map(rows.map((row) => [row.id, row.pick_ups]));
  }

  async quality(): Promise<QualityRow[]> {
    const sums = SENT_COLUMNS.map((name) => `sum(${name})::float8 AS ${name}`);
    return this.rows(
      `SELECT provider_id, ${sums.join(', ')} FROM ${SENT} GROUP BY provider_id ORDER BY provider_id`,
      this.bounds,
    );
  }

  /** Records that were received in the period and could not be loaded. Their providers are not known. */
  async rejects(): Promise<number> {
    const [row] = await this.rows<{ rejects: number }>(
      `SELECT count(*)::int AS rejects FROM ride.rejects WHERE received_at >= $1 AND received_at < $2`,
      this.bounds.slice(0, 2),
    );
    return row!.rejects;
  }

  /** How reported trips compare with rebuilt ones, by the start of the trip; `null` if this database does not rebuild trips. */
  async comparison(): Promise<ComparisonRow[] | null> {
    const [view] = await this.rows<{ exists: boolean }>(
      `SELECT to_regclass('analysis.trip_comparison') IS NOT NULL AS exists`,
      [],
    );
    if (!view!.exists || this.filter.area !== null) return null;
    return this.rows(
      `SELECT verdict, count(*)::int AS trips FROM analysis.trip_comparison
       WHERE coalesce(reported_start_time, picked_up_at) >= $1 AND coalesce(reported_start_time, picked_up_at) < $2
         AND ${OF_PROVIDER}
       GROUP BY verdict ORDER BY verdict`,
      this.bounds,
    );
  }

  private async vehicleTimes(key: string): Promise<ReadonlyMap<number, VehicleTime>> {
    if (this.filter.area !== null) return new Map();
    const sums = STATES.map((state) => `sum(${state}_seconds)::float8 AS ${state}`);
    return this.keyed(
      `SELECT ${key} AS key, ${sums.join(', ')}, count(DISTINCT hour)::int AS hours
       FROM analysis.utilisation WHERE ${within('hour')} AND ${OF_PROVIDER} GROUP BY 1`,
      this.bounds,
    );
  }

  /** The time zone was verified when the period was parsed. */
  private keyOf(by: SeriesKey, column: string): string {
    const zone = `'${this.period.timeZone.replaceAll("'", "''")}'`;
    if (by === 'hour') return `extract(hour FROM ${column} AT TIME ZONE ${zone})::int`;
    const unit = this.period.kind === 'day' ? 'hour' : 'day';
    return `extract(epoch FROM date_trunc('${unit}', ${column}, ${zone}))::float8 * 1000`;
  }

  private async keyed<Row extends object>(
    sql: string,
    values: readonly unknown[],
  ): Promise<ReadonlyMap<number, Row>> {
    const rows = await this.rows<Row & { readonly key: number }>(sql, values);
    return new Map(rows.map((row) => [row.key, row]));
  }

  private async rows<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return (await this.client.query<Row & pg.QueryResultRow>(sql, [...values])).rows;
  }
}
