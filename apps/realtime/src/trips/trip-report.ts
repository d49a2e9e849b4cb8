import { metersBetween, type Location, type Trip } from '@hailstream/events';
import type { ReportedField, ReportVerdict, TripStop, TripSummary } from '@hailstream/events/live';

/** Differences up to these are explained by clocks, by rounding and by the positions of devices. */
const TOLERATED_MS = 60_000;
const TOLERATED_SECONDS = TOLERATED_MS / 1_000;
const TOLERATED_METERS = 200;
const TOLERATED_DISTANCE_SHARE = 0.1;

/** What the events say about a trip. */
interface ObservedTrip {
  readonly summary: Pick<TripSummary, 'stage' | 'device_id'>;
  /** Whether an event of its vehicle or rider is known. */
  readonly hasEvents: boolean;
  readonly requestedAt: number | null;
  readonly pickup: TripStop | null;
  readonly dropoff: TripStop | null;
  /** Along its telemetry; `null` if it is not known. */
  readonly meters: number | null;
}

/** Compares the operator's report with what the events say. A field that one of both does not have does not differ. */
export function compareReport(report: Trip, observed: ObservedTrip): ReportedField[] {
  const { pickup, dropoff, requestedAt, meters, summary } = observed;
  const requested = report.trip_attributes?.requested_time ?? null;
  const observedMs = pickup === null || dropoff === null ? null : dropoff.at - pickup.at;
  const seconds = observedMs === null ? null : Math.round(observedMs / 1_000);
  return [
    vehicleField(report.device_id, observed.hasEvents ? summary.device_id : null),
    numberField('requested_time', { reported: requested, observed: requestedAt, tolerated: TOLERATED_MS }),
    numberField('start_time', {
      reported: report.start_time,
      observed: pickup?.at ?? null,
      tolerated: TOLERATED_MS,
    }),
    numberField('end_time', {
      reported: report.end_time,
      observed: dropoff?.at ?? null,
      tolerated: TOLERATED_MS,
    }),
    numberField('duration', { reported: report.duration, observed: seconds, tolerated: TOLERATED_SECONDS }),
    numberField('distance', {
      reported: report.distance,
      observed: meters === null ? null : Math.round(meters),
      tolerated: Math.max(TOLERATED_METERS, report.distance * TOLERATED_DISTANCE_SHARE),
    }),
    placeField('start_location', report.start_location, pickup?.location ?? null),
    placeField('end_location', report.end_location, dropoff?.location ?? null),
  ];
}

export function verdictOf(
  report: Trip | null,
  observed: Pick<ObservedTrip, 'summary' | 'hasEvents' | 'dropoff'> & {
    readonly fields: readonly ReportedField[];
    /** By the events alone. */
    readonly isCancelled: boolean;
  },
): ReportVerdict {
  if (report === null) return observed.summary.stage === 'ended' ? 'missing' : 'none';
  if (!observed.hasEvents || observed.isCancelled) return 'extra';
  return observed.fields.some(({ differs }) => differs) ? 'differs' : 'matches';
}

function vehicleField(reported: string, observed: string | null): ReportedField {
  const differs = observed !== null && observed !== reported;
  return { field: 'vehicle', reported, observed, difference: null, differs };
}

function numberField(
  field: ReportedField['field'],
  {
    reported,
    observed,
    tolerated,
  }: { readonly reported: number | null; readonly observed: number | null; readonly tolerated: number },
): ReportedField {
  const difference = reported === null || observed === null ? null : reported - observed;
  const differs = difference !== null && Math.abs(difference) > tolerated;
  return { field, reported, observed, difference, differs };
}

function placeField(
  field: ReportedField['field'],
  reported: Location,
  observed: Location | null,
): ReportedField {
  const difference = observed === null ? null : Math.round(metersBetween(reported, observed));
  return { field, reported, observed, difference, differs: (difference ?? 0) > TOLERATED_METERS };
}
