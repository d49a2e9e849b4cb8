import type {
  Report,
  ReportCell,
  ReportFigure,
  ReportFigureId,
  ReportInterval,
  ReportMeasures,
  ReportOutcome,
  ReportPeriod,
  ReportQuality,
  ReportState,
  ReportUnit,
  ReportZone,
} from '@hailstream/events/reports';
import { cellToBoundary, cellToParent } from 'h3-js';
import { intervalStarts } from './period.js';
import type {
  CellFigures,
  ComparisonRow,
  Earnings,
  PeriodTotals,
  QualityRow,
  Series,
  VehicleTime,
  ZoneFigures,
} from './report-query.postgres.js';
import { suppressedCounts, suppressRows } from './suppress.js';
import type { ReportArea } from './zones.js';

const HOURS_OF_DAY = Array.from({ length: 24 }, (_, hour) => hour);
const HOUR_SECONDS = 3_600;
/** Resolution of the cells in the tables, and the finest and coarsest of reports. */
const STORED_RESOLUTION = 9;
const FINEST_RESOLUTION = 8;
const COARSEST_RESOLUTION = 5;
/** Cells of a report. If there are more, they are combined to larger ones. */
const MAX_CELLS = 1_500;

/** What was read of one period. */
export interface PeriodFigures {
  readonly totals: PeriodTotals;
  readonly vehicles: VehicleTime | undefined;
  readonly earnings: Earnings | undefined;
}

/** Everything that a report is made of, before small counts are suppressed. */
export interface ReportFigures {
  readonly period: ReportPeriod;
  readonly previousPeriod: ReportPeriod;
  readonly current: PeriodFigures;
  readonly previous: PeriodFigures;
  readonly intervals: Series;
  readonly previousIntervals: Series;
  /** `undefined` for a day. */
  readonly hours: Series | undefined;
  readonly cells: readonly CellFigures[];
  readonly zones: readonly ZoneFigures[];
  readonly previousZones: readonly ZoneFigures[];
  readonly areas: readonly ReportArea[];
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
  const cells = reportCells(figures.cells, period, minCount);
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
    outlines: {
      cells: cells.cells.map(({ cell }) => cornersOf(cell)),
      zones: figures.areas.map(({ id, name, rings }) => ({ id, name, rings })),
    },
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

function reportCells(
  stored: readonly CellFigures[],
  period: ReportPeriod,
  minCount: number,
): { resolution: number; cells: ReportCell[] } {
  let resolution = FINEST_RESOLUTION;
  let combined = combineCells(stored, resolution);
  while (combined.length > MAX_CELLS && resolution > COARSEST_RESOLUTION) {
    resolution -= 1;
    combined = combineCells(stored, resolution);
  }
  const seconds = (Date.parse(period.to) - Date.parse(period.from)) / 1_000;
  const rows = combined.map(({ cell, requests, unmet, visits, available_seconds: available, positions }) => ({
    cell,
    requests,
    unmet,
    availableVehicles: available / seconds,
    visits,
    positions,
  }));
  const dependents = {
    requests: ['unmet'],
    unmet: [],
    visits: ['availableVehicles'],
    positions: [],
  } as const;
  const cells = suppressRows(rows, dependents, minCount).map(({ visits: _, suppressed, ...cell }) => ({
    ...cell,
    suppressed: suppressed.filter((name) => name !== 'visits'),
  }));
  return { resolution, cells };
}

function combineCells(stored: readonly CellFigures[], resolution: number): CellFigures[] {
  const combined = new Map<string, CellFigures>();
  for (const { cell: child, ...figures } of stored) {
    const cell = resolution === STORED_RESOLUTION ? child : cellToParent(child, resolution);
    const known = combined.get(cell);
    combined.set(cell, {
      cell,
      requests: (known?.requests ?? 0) + figures.requests,
      unmet: (known?.unmet ?? 0) + figures.unmet,
      visits: (known?.visits ?? 0) + figures.visits,
      available_seconds: (known?.available_seconds ?? 0) + figures.available_seconds,
      positions: (known?.positions ?? 0) + figures.positions,
    });
  }
  return [...combined.values()];
}

/** The corners of a cell, to about a metre. */
function cornersOf(cell: string): number[] {
  return cellToBoundary(cell).flatMap(([lat, lng]) =>
    [lng, lat].map((degrees) => Math.round(degrees * 1e5) / 1e5),
  );
}

/** Zones in which rides were requested in the period or the one before. */
function reportZones({ zones, previousZones, areas }: ReportFigures, minCount: number): ReportZone[] {
  const [now, before] = [zones, previousZones].map((each) => new Map(each.map((zone) => [zone.id, zone])));
  const known = areas.filter(({ id }) => now!.has(id) || before!.has(id));
  const rows = known.map(({ id, name }) => {
    const [zone, earlier] = [now!.get(id), before!.get(id)];
    return {
      id,
      name,
      requests: zone?.requests ?? 0,
      completed: zone?.completed ?? 0,
      cancelled: zone?.cancelled ?? 0,
      unmet: zone?.unmet ?? 0,
      waits: zone?.waits ?? 0,
      medianWaitSeconds: zone?.median_wait ?? null,
      p90WaitSeconds: zone?.p90_wait ?? null,
      previousRequests: earlier?.requests ?? 0,
      previousWaits: earlier?.waits ?? 0,
      previousMedianWaitSeconds: earlier?.median_wait ?? null,
    };
  });
  const dependents = {
    requests: ['completed', 'cancelled', 'unmet', 'medianWaitSeconds', 'p90WaitSeconds'],
    // Most rides end in one of the two ways: one of them and the requests would reveal the other.
    completed: ['cancelled', 'unmet'],
    cancelled: ['completed', 'unmet'],
    unmet: ['completed', 'cancelled'],
    waits: ['medianWaitSeconds', 'p90WaitSeconds'],
    previousRequests: ['previousMedianWaitSeconds'],
    previousWaits: ['previousMedianWaitSeconds'],
  } as const;
  return suppressRows(rows, dependents, minCount).map(
    ({ waits: _, previousWaits: __, suppressed, ...zone }) => ({
      ...zone,
      suppressed: suppressed.filter((name) => name !== 'waits' && name !== 'previousWaits'),
    }),
  );
}

function reportQuality({ quality, rejects }: ReportFigures): ReportQuality[] {
  const known = quality.map((row): ReportQuality => ({
    providerId: row.provider_id,
    positions: row.positions,
    vehicleEvents: row.vehicle_events,
    riderEvents: row.rider_events,
    trips: row.trips,
    rejects: 0,
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
  silences: 0,
  silenceSeconds: 0,
  late: null,
} as const;
