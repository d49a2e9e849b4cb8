import type { KpiName, Kpis, KpiSeries } from '@hailstream/events/live';
import type { CityState, ProviderFilter } from '../fold/city-state.js';
import { QUARTER_MS, type Motion } from '../motion/motion.js';
import type { QueryParameters } from '../query/query-parameters.js';
import { TripTally, waitQuantile, type TripCounts } from '../tally/trip-tally.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const MINUTES = HOUR_MS / MINUTE_MS;
const QUARTERS = DAY_MS / QUARTER_MS;

/** A vehicle counts as active in a minute if it sent something within this many minutes, the minute included. */
const ACTIVE_MINUTES = 10;

interface KpiQuery {
  readonly provider: ProviderFilter;
  readonly window: Kpis['window'];
}

/** Events per minute, from a time on. */
type CountEvents = (from: number, minutes: number) => readonly number[];

/** @throws QueryError if a parameter is invalid */
export function parseKpiQuery(parameters: QueryParameters, allowed: ProviderFilter): KpiQuery {
  const [window = 'hour'] = parameters.choices('window', ['hour', 'day'] as const) ?? [];
  return { provider: parameters.provider(allowed), window };
}

/** The figures without those of events, which {@link withEvents} adds. */
export function kpis(city: CityState, { provider, window }: KpiQuery, now: number): Kpis {
  const hour = intervalsOf(city, { provider, stepMs: MINUTE_MS, count: MINUTES, asOf: now });
  const summary = city.summary(provider)?.figures;
  const current: Kpis['now'] = {
    ...figuresOf(hour.values, HOUR_MS),
    trips_under_way: summary?.tripsNow ?? null,
    requests_waiting: summary?.requestsWaiting ?? null,
    active_vehicles: summary ? Object.values(summary.byState).reduce((sum, count) => sum + count, 0) : null,
    events_per_second: null,
  };
  const { stepMs, from } = hour;
  if (window === 'hour') {
    return { asOf: now, window, from, stepMs, now: current, series: seriesOf(hour), previous: null };
  }
  const days = intervalsOf(city, { provider, stepMs: QUARTER_MS, count: 2 * QUARTERS, asOf: now });
  const part = (start: number): Intervals => ({
    ...days,
    from: days.from + start * QUARTER_MS,
    values: days.values.slice(start, start + QUARTERS),
  });
  return {
    asOf: now,
    window,
    from: part(QUARTERS).from,
    stepMs: QUARTER_MS,
    now: current,
    series: seriesOf(part(QUARTERS)),
    previous: seriesOf(part(0)),
  };
}

/** Adds the events per second: of the last minute that is over, and per interval. */
export function withEvents(found: Kpis, countEvents: CountEvents): Kpis {
  const { asOf, from, stepMs, series, previous } = found;
  const [lastMinute = 0] = countEvents(Math.floor(asOf / MINUTE_MS - 1) * MINUTE_MS, 1);
  const perSecond = (start: number, count: number): (number | null)[] => {
    const minutesPerStep = stepMs / MINUTE_MS;
    const counts = countEvents(start, count * minutesPerStep);
    return Array.from({ length: count }, (_, at) => {
      const events = counts.slice(at * minutesPerStep, (at + 1) * minutesPerStep).reduce((a, b) => a + b, 0);
      return round(events / (stepMs / 1_000));
    });
  };
  const rates = (of: KpiSeries, start: number): KpiSeries => ({
    ...of,
    // What is unknown of vehicles and trips is unknown of events, too.
    events_per_second: perSecond(start, of.active_vehicles.length).map((rate, at) =>
      of.active_vehicles[at] === null ? null : rate,
    ),
  });
  return {
    ...found,
    now: { ...found.now, events_per_second: round(lastMinute / 60) },
    series: rates(series, from),
    previous: previous && rates(previous, from - previous.active_vehicles.length * stepMs),
  };
}

interface Interval {
  readonly counts: TripCounts | null;
  readonly active: number;
}

interface Intervals {
  readonly from: number;
  readonly stepMs: number;
  readonly values: readonly Interval[];
  /** Start of the first interval of which something is known; nothing is known of earlier ones. */
  readonly first: number;
}

/** The last whole intervals before `asOf`. */
function intervalsOf(
  city: CityState,
  given: {
    readonly provider: ProviderFilter;
    readonly stepMs: number;
    readonly count: number;
    readonly asOf: number;
  },
): Intervals {
  const { provider, stepMs, count, asOf } = given;
  const to = Math.floor(asOf / stepMs) * stepMs;
  const from = to - count * stepMs;
  const tally = new TripTally(stepMs, { from, to });
  city.countTrips(tally, { filter: provider, asOf });
  const active = Array.from({ length: count }, () => 0);
  const addActive = stepMs === MINUTE_MS ? addActiveMinutes : addActiveQuarters;
  for (const { motion } of city.vehicles(provider)) addActive(active, motion, from / stepMs);
  const values = active.map((vehicles, at) => ({ counts: tally.at(from + at * stepMs), active: vehicles }));
  const known = values.findIndex(({ counts, active: vehicles }) => counts !== null || vehicles > 0);
  return { from, stepMs, values, first: known === -1 ? to : from + known * stepMs };
}

function addActiveMinutes(active: number[], motion: Motion, first: number): void {
  let heard = Number.NEGATIVE_INFINITY;
  for (let at = 1 - ACTIVE_MINUTES; at < active.length; at += 1) {
    if (motion.wasHeardInMinute(first + at)) heard = at;
    if (at >= 0 && at - heard < ACTIVE_MINUTES) active[at]! += 1;
  }
}

function addActiveQuarters(active: number[], motion: Motion, first: number): void {
  for (let at = 0; at < active.length; at += 1) {
    if (motion.wasHeardInQuarter(first + at)) active[at]! += 1;
  }
}

function seriesOf({ values, stepMs, from, first }: Intervals): KpiSeries {
  const perInterval = values.map((value, at) =>
    from + at * stepMs < first ? null : figuresOf([value], stepMs),
  );
  const of = (name: KpiName) => perInterval.map((figures) => figures?.[name] ?? null);
  return {
    trips_under_way: of('trips_under_way'),
    requests_waiting: of('requests_waiting'),
    completed_per_hour: of('completed_per_hour'),
    cancelled_per_hour: of('cancelled_per_hour'),
    wait_median_ms: of('wait_median_ms'),
    wait_p90_ms: of('wait_p90_ms'),
    utilisation: of('utilisation'),
    events_per_second: of('events_per_second'),
    active_vehicles: of('active_vehicles'),
  };
}

/** The figures of intervals that take `durationMs` together. */
function figuresOf(intervals: readonly Interval[], durationMs: number): Record<KpiName, number | null> {
  const counts = intervals.flatMap((interval) => interval.counts ?? []);
  const sum = (of: (counts: TripCounts) => number) => counts.reduce((total, each) => total + of(each), 0);
  const active = intervals.reduce((total, interval) => total + interval.active, 0) / intervals.length;
  const busyMs = sum((each) => each.busyMs);
  const hours = durationMs / HOUR_MS;
  return {
    trips_under_way: round(busyMs / durationMs),
    requests_waiting: round(sum((each) => each.waitingMs) / durationMs),
    completed_per_hour: round(sum((each) => each.completed) / hours),
    cancelled_per_hour: round(sum((each) => each.cancelled) / hours),
    wait_median_ms: waitQuantile(counts, 0.5),
    wait_p90_ms: waitQuantile(counts, 0.9),
    utilisation:
      active === 0 ? null : Math.min(1, Math.round((busyMs / (active * durationMs)) * 1_000) / 1_000),
    events_per_second: null,
    active_vehicles: round(active),
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
