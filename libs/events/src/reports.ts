import type { MapRing } from './report-map.js';
import type { ReportPeriodKind } from './report-periods.js';

export {
  centralRings,
  labelSpot,
  mapFrame,
  mapPath,
  scaleBar,
  shadeLimits,
  shadeOf,
  shadeRanges,
  type MapFrame,
  type MapRing,
} from './report-map.js';
export {
  firstDateOf,
  periodNameOf,
  reportPeriodKinds,
  shiftedPeriod,
  type ReportPeriodKind,
} from './report-periods.js';

/** A day, a week (ISO 8601, from Monday) or a month in a time zone. */
export interface ReportPeriod {
  readonly kind: ReportPeriodKind;
  /** `2026-03-01`, `2026-W09` or `2026-03`. */
  readonly name: string;
  readonly timeZone: string;
  /** ISO 8601. `to` is exclusive. */
  readonly from: string;
  readonly to: string;
}

/** Units of the figures of a report. `share`: 0 to 1. `money`: minor units of {@link ReportFigure.currency}. */
export type ReportUnit = 'count' | 'share' | 'seconds' | 'vehicles' | 'money';

/** Key figures. docs/analysis.md defines them. */
const reportFigureIds = [
  'requests',
  'trips',
  'completed',
  'completionShare',
  'cancelled',
  'cancellationShare',
  'medianWait',
  'p90Wait',
  'medianRide',
  'workingVehicles',
  'utilisationShare',
  'earningsPerVehicleHour',
] as const;
export type ReportFigureId = (typeof reportFigureIds)[number];

/** A key figure of the period and of the one before. `null`: not known, or suppressed. */
export interface ReportFigure {
  readonly id: ReportFigureId;
  readonly unit: ReportUnit;
  /** ISO 4217; only of money. */
  readonly currency?: string;
  readonly value: number | null;
  readonly previous: number | null;
  /** Which of the two values are suppressed, because they are based on too few rides. */
  readonly suppressed: readonly ('value' | 'previous')[];
}

/** Figures of an interval. `null`: not known, or suppressed. */
export interface ReportMeasures {
  /** Rides that were requested in the interval. */
  readonly requests: number | null;
  /** Rides that began in the interval: pick-ups. */
  readonly trips: number | null;
  /** Rides that were requested in the interval and cancelled. */
  readonly cancelled: number | null;
  readonly medianWaitSeconds: number | null;
  readonly p90WaitSeconds: number | null;
  /** Mean number of vehicles that were working: available, reserved, on a trip or stopped. */
  readonly workingVehicles: number | null;
  /** Share of the working time that vehicles were on a trip. */
  readonly utilisationShare: number | null;
  /** Positions that were received. */
  readonly positions: number | null;
  /** Names of the fields that are suppressed. */
  readonly suppressed: readonly string[];
}

/** An hour of a day, or a day of a week or month. */
export interface ReportInterval extends ReportMeasures {
  /** Start, ISO 8601. */
  readonly start: string;
}

/** An hour of the day, 0 to 23, over all days of a week or month. */
interface ReportHour extends ReportMeasures {
  readonly hour: number;
}

const reportOutcomes = [
  'completed',
  'cancelledByRider',
  'cancelledByDriver',
  'cancelledByProvider',
  'onTrip',
  'open',
] as const;

/** What became of the rides that were requested in the period. */
export interface ReportOutcome {
  readonly outcome: (typeof reportOutcomes)[number];
  readonly rides: number | null;
  readonly suppressed: readonly string[];
}

/** How vehicles spent their time. */
export interface ReportState {
  readonly state: 'available' | 'reserved' | 'on_trip' | 'stopped' | 'off';
  readonly seconds: number;
}

/** Supply and demand in an H3 cell. */
export interface ReportCell {
  /** Name of the cell. */
  readonly cell: string;
  readonly requests: number | null;
  /** Requests without a pick-up. */
  readonly unmet: number | null;
  /** Pick-ups of vehicles in the cell, with street hails. */
  readonly pickUps: number | null;
  /** Time that vehicles were available in the cell, in hours. */
  readonly availableHours: number | null;
  readonly positions: number | null;
  readonly suppressed: readonly string[];
}

/** Rides that were requested in a zone. */
export interface ReportZone {
  readonly id: string;
  readonly name: string;
  readonly requests: number | null;
  readonly completed: number | null;
  readonly cancelled: number | null;
  /** Requests without a pick-up. */
  readonly unmet: number | null;
  readonly medianWaitSeconds: number | null;
  readonly p90WaitSeconds: number | null;
  /** Pick-ups of vehicles in the zone, with street hails. */
  readonly pickUps: number | null;
  /** Of the period before. */
  readonly previousRequests: number | null;
  readonly previousPickUps: number | null;
  readonly previousMedianWaitSeconds: number | null;
  readonly suppressed: readonly string[];
}

/** What maps of the report are drawn from. */
interface ReportOutlines {
  /** Of {@link Report.cells}, in their order. */
  readonly cells: readonly MapRing[];
  /** Of all known zones, also those without rides. */
  readonly zones: readonly {
    readonly id: string;
    readonly name: string;
    readonly rings: readonly MapRing[];
  }[];
}

/** What a provider sent with a time in the period, and what is wrong with it. */
export interface ReportQuality {
  /** `null`: rejected records whose provider cannot be read. */
  readonly providerId: string | null;
  readonly positions: number;
  readonly vehicleEvents: number;
  readonly riderEvents: number;
  readonly trips: number;
  /** Records that were received in the period and could not be loaded. */
  readonly rejects: number;
  /** Records with a time in the period that were not stored, because their event had been loaded before. */
  readonly duplicates: number;
  /** Times of more than 15 minutes without a position of a vehicle that sent positions before and after. */
  readonly silences: number;
  readonly silenceSeconds: number;
  /** Positions that were received more than ten minutes after their time; `null` if the time of receipt is not known. */
  readonly late: number | null;
}

/** Trips that the operator reported, compared with those rebuilt from raw events. */
interface ReportComparison {
  readonly verdict: string;
  readonly trips: number | null;
  readonly suppressed: readonly string[];
}

/** Response of `GET /reports`, and the JSON form of a report. */
export interface Report {
  readonly period: ReportPeriod;
  readonly previous: ReportPeriod;
  /** `null`: all providers that the token may see. */
  readonly providerId: string | null;
  /** Name of the zone that the report is limited to. */
  readonly zone: string | null;
  readonly generatedAt: string;
  /** Counts from 1 to one less than this are suppressed. 1 suppresses nothing. */
  readonly minCount: number;
  readonly figures: readonly ReportFigure[];
  readonly intervals: readonly ReportInterval[];
  /** Of the period before: as many as it has, which may be others than {@link intervals}. */
  readonly previousIntervals: readonly ReportInterval[];
  /** Empty for a day. */
  readonly hours: readonly ReportHour[];
  readonly outcomes: readonly ReportOutcome[];
  readonly states: readonly ReportState[];
  /** Resolution of the cells. */
  readonly cellResolution: number;
  readonly cells: readonly ReportCell[];
  /** Empty if no zones are known. */
  readonly zones: readonly ReportZone[];
  readonly outlines: ReportOutlines;
  readonly quality: readonly ReportQuality[];
  /** `null` if trips are not rebuilt in this database. */
  readonly comparison: readonly ReportComparison[] | null;
}
