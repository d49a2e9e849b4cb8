import type { Location, Trip } from '@hailstream/events';

/** A trip of a file, in the units of MDS, with the times at which it took place. */
export interface ImportedTrip {
  /** What distinguishes the trip from all others, in any file of its layout. */
  readonly identity: string;
  /** Id of the vehicle in the file; `undefined` if the file has none. */
  readonly vehicle: string | undefined;
  readonly driver: string | undefined;
  readonly startMs: number;
  /** `undefined` while the trip continues at the end of the file. */
  readonly endMs: number | undefined;
  readonly start: Location;
  readonly end: Location;
  readonly passengers: number | undefined;
  /** As in the file; `undefined` if it has none. */
  readonly meters: number | undefined;
  readonly payment: Pick<Trip, 'fare_attributes' | 'actual_cost' | 'currency'> | undefined;
  /** Whether the passenger hailed the vehicle in the street, so that the request and the start are one moment. */
  readonly isStreetHail: boolean;
}

/** Why a row of a file was not imported. */
export type SkipReason =
  | 'broken line'
  | 'wrong number of fields'
  | 'no valid time'
  | 'no such local time'
  | 'ends before its start'
  | 'no duration'
  | 'longer than 31 days'
  | 'no position'
  | 'unknown zone'
  | 'position of another place'
  | 'no valid id'
  | 'refund or void'
  | 'contradicts another row'
  | 'repeated'
  | 'in the future'
  | 'outside the period of the file';

/** A row that was not imported. `detail` has what was found, if that is not obvious. */
export class SkippedRow {
  constructor(
    readonly reason: SkipReason,
    readonly detail?: string,
  ) {}
}

/** Maximum duration of a trip in MDS events that ingest accepts. */
export const MAX_TRIP_MS = 31 * 86_400_000;
