import type {
  Report,
  ReportFigure,
  ReportFigureId,
  ReportInterval,
  ReportMeasures,
  ReportOutcome,
  ReportPeriod,
  ReportQuality,
  ReportState,
  ReportUnit,
} from '@hailstream/events/reports';
import { outlinesOf, reportCells, reportZones, type PlaceFigures } from './compile-places.js';
import { intervalStarts } from './period.js';
import type {
  ComparisonRow,
  Earnings,
  PeriodTotals,
  QualityRow,
  Series,
  VehicleTime,
} from './report-query.postgres.js';
import { suppressedCounts, suppressRows } from './suppress.js';

const HOURS_OF_DAY = Array.from({ length: 24 }, (_, hour) => hour);
const HOUR_SECONDS = 3_600;

/** What was read of one period. */
export interface PeriodFigures {
  readonly totals: PeriodTotals;
  readonly vehicles: VehicleTime | undefined;
  readonly earnings: Earnings | undefined;
}

/** Everything that a report is made of, before small counts are suppressed. */
export interface ReportFigures extends PlaceFigures {
  readonly period: ReportPeriod;
  readonly previousPeriod: ReportPeriod;
  readonly current: PeriodFigures;
  readonly previous: PeriodFigures;
  readonly intervals: Series;
  readonly previousIntervals: Series;
  /** `undefined` for a day. */
  readonly hours: Series | undefined;
  readonly quality: readonly QualityRow[];
  /** Records that could not be loaded; 0 in the report of a provider, because their providers are not known. */
  readonly rejects: number;
  readonly comparison: readonly ComparisonRow[] | null;
}

interface CompileOptions {
  readonly providerId: string | null;
  readonly zone: string | null;
  readonly minCount: number;
  readonly nowMs: number;
}

/** Makes a report of the figures. Counts below `minCount` are suppressed, and others that would reveal them. */
export function compileReport(figures: ReportFigures, options: CompileOptions): Report {
  const { period, previousPeriod: previous, intervals, hours, comparison } = figures;
  const { providerId, zone, minCount, nowMs } = options;
  const cells = reportCells(figures.cells, minCount);
  return {
    period,
    previous,
    providerId,
    zone,
    generatedAt: new Date(nowMs).toISOString(),
    minCount,
    figures: keyFigures(figures, minCount),
    intervals: measuredIntervals(period, intervals, minCount),
    previousIntervals: measuredIntervals(previous, figures.previousIntervals, minCount),
    hours:
      hours === undefined
        ? []
        : measured(HOURS_OF_DAY, hours, minCount).map((measures, hour) => ({ hour, ...measures })),
    outcomes: reportOutcomesOf(figures.current.totals, minCount),
    states: statesOf(figures.current.vehicles),
    cellResolution: cells.resolution,
    cells: cells.cells,
    zones: reportZones(figures, minCount),
    outlines: outlinesOf(cells.cells, figures.areas),
    quality: reportQuality(figures),
    comparison: comparison && suppressRows(comparison, { trips: [] }, minCount),
  };
}

/** The values of the key figures that are based on rides, and the number of rides that each is based on. */
function rideFigures(
  totals: PeriodTotals,
): Partial<Record<ReportFigureId, readonly [number | null, number]>> {
  const { requests, trips, completed, waits, durations } = totals;
  const cancelled = cancelledOf(totals);
  const ended = completed + cancelled;
  return {
    requests: [requests, requests],
    trips: [trips, trips],
    completed: [completed, completed],
    completionShare: [ended === 0 ? null : completed / ended, completed],
    cancelled: [cancelled, cancelled],
    cancellationShare: [ended === 0 ? null : cancelled / ended, cancelled],
    medianWait: [totals.median_wait, waits],
    p90Wait: [totals.p90_wait, waits],
    medianRide: [totals.median_ride, durations],
  };
}

function keyFigures({ current, previous }: ReportFigures, minCount: number): ReportFigure[] {
  const [now, before] = [shownFigures(current, minCount), shownFigures(previous, minCount)];
  const currency = current.earnings?.currency ?? previous.earnings?.currency;
  const sameCurrency = (current.earnings?.currency ?? currency) === (previous.earnings?.currency ?? currency);
  return FIGURES.map(([id, unit]) => {
    const value = now.get(id)!;
    const earlier = before.get(id)!;
    const isMoney = unit === 'money';
    return {
      id,
      unit,
      ...(isMoney && currency !== undefined && { currency }),
      value: value.value,
      previous: isMoney && !sameCurrency ? null : earlier.value,
      suppressed: [
        ...(value.isSuppressed ? (['value'] as const) : []),
        ...(earlier.isSuppressed ? (['previous'] as const) : []),
      ],
    };
  });
}

const FIGURES: readonly (readonly [ReportFigureId, ReportUnit])[] = [
  ['requests', 'count'],
  ['trips', 'count'],
  ['completed', 'count'],
  ['completionShare', 'share'],
  ['cancelled', 'count'],
  ['cancellationShare', 'share'],
  ['medianWait', 'seconds'],
  ['p90Wait', 'seconds'],
  ['medianRide', 'seconds'],
  ['workingVehicles', 'vehicles'],
  ['utilisationShare', 'share'],
  ['earningsPerVehicleHour', 'money'],
];

interface ShownFigure {
  readonly value: number | null;
  readonly isSuppressed: boolean;
}

function shownFigures(
  { totals, vehicles, earnings }: PeriodFigures,
  minCount: number,
): ReadonlyMap<ReportFigureId, ShownFigure> {
  const byRides = rideFigures(totals);
  const hidden = hiddenOutcomes(totals, minCount);
  const shown = new Map<ReportFigureId, ShownFigure>([
    ['workingVehicles', { value: workingVehicles(vehicles), isSuppressed: false }],
    ['utilisationShare', { value: utilisation(vehicles), isSuppressed: false }],
  ]);
  for (const [id, [value, rides]] of Object.entries(byRides) as [ReportFigureId, [number | null, number]][]) {
    const isHidden =
      (['completed', 'completionShare', 'cancellationShare'].includes(id) && hidden.completed) ||
      (['cancelled', 'completionShare', 'cancellationShare'].includes(id) && hidden.cancelled) ||
      isSmall(rides, minCount);
    shown.set(id, { value: isHidden ? null : value, isSuppressed: isHidden });
  }
  const isSuppressed = isSmall(earnings?.trips ?? 0, minCount);
  shown.set('earningsPerVehicleHour', {
    value: isSuppressed ? null : earningsPerHour(earnings, vehicles),
    isSuppressed,
  });
  return shown;
}

function isSmall(count: number, minCount: number): boolean {
  return count > 0 && count < minCount;
}

/** Which outcomes are not shown. Their total, the number of requests, is known. */
function hiddenOutcomes(totals: PeriodTotals, minCount: number) {
  const { completed, on_trip: onTrip, open } = totals;
  const hidden = suppressedCounts([completed, cancelledOf(totals), onTrip, open], minCount);
  const [isCompletedHidden, isCancelledHidden, isOnTripHidden, isOpenHidden] = [0, 1, 2, 3].map((index) =>
    hidden.has(index),
  );
  return {
    completed: isCompletedHidden!,
    cancelled: isCancelledHidden!,
    onTrip: isOnTripHidden!,
    open: isOpenHidden!,
  };
}

/** Cancellations are a table in the table: if their sum is not shown, none of them is. */
function reportOutcomesOf(totals: PeriodTotals, minCount: number): ReportOutcome[] {
  const hidden = hiddenOutcomes(totals, minCount);
  const cancellations = [
    ['cancelledByRider', totals.cancelled_by_rider],
    ['cancelledByDriver', totals.cancelled_by_driver],
    ['cancelledByProvider', totals.cancelled_by_provider],
  ] as const;
  const small = suppressedCounts(
    cancellations.map(([, rides]) => rides),
    minCount,
  );
  const row = (outcome: ReportOutcome['outcome'], rides: number, isHidden: boolean): ReportOutcome => ({
    outcome,
    rides: isHidden ? null : rides,
    suppressed: isHidden ? ['rides'] : [],
  });
  return [
    row('completed', totals.completed, hidden.completed),
    ...cancellations.map(([outcome, rides], index) =>
      row(outcome, rides, small.has(index) || (hidden.cancelled && rides > 0)),
    ),
    row('onTrip', totals.on_trip, hidden.onTrip),
    row('open', totals.open, hidden.open),
  ];
}

function cancelledOf(totals: PeriodTotals): number {
  return totals.cancelled_by_rider + totals.cancelled_by_driver + totals.cancelled_by_provider;
}

function measuredIntervals(period: ReportPeriod, series: Series, minCount: number): ReportInterval[] {
  const starts = intervalStarts(period);
  return measured(starts, series, minCount).map((measures, index) => ({
    start: new Date(starts[index]!).toISOString(),
    ...measures,
  }));
}

/** The measures of intervals, in the order of their keys. */
function measured(
  keys: readonly number[],
  { rides, trips, vehicles, positions }: Series,
  minCount: number,
): ReportMeasures[] {
  const rows = keys.map((key) => {
    const ofRides = rides.get(key);
    const time = vehicles.get(key);
    return {
      requests: ofRides?.requests ?? 0,
      trips: trips.get(key)?.trips ?? 0,
      cancelled: ofRides?.cancelled ?? 0,
      waits: ofRides?.waits ?? 0,
      medianWaitSeconds: ofRides?.median_wait ?? null,
      p90WaitSeconds: ofRides?.p90_wait ?? null,
      workingVehicles: workingVehicles(time),
      utilisationShare: utilisation(time),
      positions: positions.get(key)?.positions ?? 0,
    };
  });
  const dependents = {
    requests: ['medianWaitSeconds', 'p90WaitSeconds'],
    trips: [],
    cancelled: [],
    waits: ['medianWaitSeconds', 'p90WaitSeconds'],
  } as const;
  return suppressRows(rows, dependents, minCount).map(({ waits: _, suppressed, ...row }) => ({
    ...row,
    suppressed: suppressed.filter((name) => name !== 'waits'),
  }));
}

/** Mean number over the hours in which any vehicle was known. */
function workingVehicles(time: VehicleTime | undefined): number | null {
  return time === undefined ? null : workingSeconds(time) / HOUR_SECONDS / time.hours;
}

function utilisation(time: VehicleTime | undefined): number | null {
  if (time === undefined || workingSeconds(time) === 0) return null;
  return (time.on_trip + time.stopped) / workingSeconds(time);
}

function earningsPerHour(earnings: Earnings | undefined, time: VehicleTime | undefined): number | null {
  if (earnings === undefined || time === undefined || workingSeconds(time) === 0) return null;
  return earnings.total / (workingSeconds(time) / HOUR_SECONDS);
}

function workingSeconds({ available, reserved, on_trip: onTrip, stopped }: VehicleTime): number {
  return available + reserved + onTrip + stopped;
}

function statesOf(time: VehicleTime | undefined): ReportState[] {
  if (time === undefined) return [];
  return (['available', 'reserved', 'on_trip', 'stopped', 'off'] as const).map((state) => ({
    state,
    seconds: time[state],
  }));
}

function reportQuality({ quality, rejects }: ReportFigures): ReportQuality[] {
  const known = quality.map((row): ReportQuality => ({
    providerId: row.provider_id,
    positions: row.positions,
    vehicleEvents: row.vehicle_events,
    riderEvents: row.rider_events,
    trips: row.trips,
    rejects: 0,
    duplicates: row.duplicates,
    silences: row.silences,
    silenceSeconds: row.silence_seconds,
    late: row.received === 0 ? null : row.late,
  }));
  return rejects === 0 ? known : [...known, { ...NOTHING_SENT, rejects }];
}

const NOTHING_SENT = {
  providerId: null,
  positions: 0,
  vehicleEvents: 0,
  riderEvents: 0,
  trips: 0,
  duplicates: 0,
  silences: 0,
  silenceSeconds: 0,
  late: null,
} as const;
