/** A ride as the simulator has written it. Times are in milliseconds. */
export interface TrueRide {
  readonly trip_id: string;
  readonly provider_id: string;
  readonly rider_id: string;
  readonly device_id: string | null;
  readonly requested_at: number;
  readonly assigned_at: number | null;
  readonly picked_up_at: number | null;
  readonly dropped_off_at: number | null;
  readonly cancelled_at: number | null;
  readonly cancelled_by: string | null;
  readonly distance_meters: number | null;
  readonly deadhead_meters: number | null;
}

/** A row of `ride.rebuilt_trips`. */
export interface RebuiltRow extends Omit<
  TrueRide,
  'requested_at' | 'assigned_at' | 'picked_up_at' | 'dropped_off_at' | 'cancelled_at' | 'rider_id'
> {
  readonly rider_id: string | null;
  readonly state: string;
  readonly requested_at: Date | null;
  readonly assigned_at: Date | null;
  readonly picked_up_at: Date | null;
  readonly dropped_off_at: Date | null;
  readonly cancelled_at: Date | null;
  /** Distance on the roads. */
  readonly matched_distance: number | null;
}

/** The last event of a vehicle and the report of a rider are at most this far apart: events of a device have distinct times. */
const SAME_TIME_MS = 5;
/** Both ends of a ride have noise, which is more than the share of a short one. */
const TOLERANCE = 0.01;
const TOLERANCE_METERS = 5;
const TIMES = ['requested_at', 'assigned_at', 'picked_up_at', 'dropped_off_at', 'cancelled_at'] as const;
const MAX_LISTED = 20;

/** Devices report speeds in tenths of a metre per second, once a second: the standard deviation of the rounding. */
const SPEED_DEVIATION = 0.1 / Math.sqrt(12);
/** A distance that is further off than this many standard errors is wrong, not rounded. */
const STANDARD_ERRORS = 3;

/** Distances of the completed rides. */
export interface DistanceCounts {
  /** Rides whose distance is known. */
  readonly known: number;
  /** Within the tolerance, and without that of metres. */
  readonly within: number;
  readonly withinShare: number;
  /** Within the share, or as close as the resolution of the reported speeds allows: that of a ride of a second is less than 1 %. */
  readonly withinResolution: number;
  /** Share by which the sum of the known distances is larger than that of the same rides. */
  readonly excess: number;
  /** The largest difference of a ride outside of the tolerance, as a share. */
  readonly worst: number;
}

export interface TripComparison {
  readonly rides: number;
  readonly completed: number;
  /** Rides with a row whose ids, state and times are those of the ride. */
  readonly equal: number;
  readonly missing: number;
  readonly extra: number;
  readonly wrongIds: number;
  readonly wrongStates: number;
  readonly wrongTimes: number;
  readonly distances: DistanceCounts;
  readonly roadDistances: DistanceCounts;
  /** The first differences, in words. */
  readonly differences: readonly string[];
}

/** Compares the rides of a simulation with the trips that were rebuilt from its events. */
export function compareTrips(rides: readonly TrueRide[], rows: readonly RebuiltRow[]): TripComparison {
  const differences: string[] = [];
  const note = (ride: { readonly trip_id: string }, difference: string): void => {
    if (differences.length < MAX_LISTED) differences.push(`${ride.trip_id}: ${difference}`);
  };
  const rowByTrip = new Map(rows.map((row) => [row.trip_id, row]));
  const known = new Set(rides.map(({ trip_id }) => trip_id));
  const extra = rows.filter(({ trip_id }) => !known.has(trip_id));
  for (const row of extra) note(row, `extra, ${row.state}`);
  const counts = { equal: 0, missing: 0, wrongIds: 0, wrongStates: 0, wrongTimes: 0 };
  const completed: Pair[] = [];
  for (const ride of rides) {
    const row = rowByTrip.get(ride.trip_id);
    if (row === undefined) {
      counts.missing += 1;
      note(ride, 'missing');
      continue;
    }
    if (ride.dropped_off_at !== null) completed.push({ ride, row });
    const hasIds = ID_COLUMNS.every((name) => row[name] === ride[name]);
    const hasState = row.state === stateOf(ride) && row.cancelled_by === ride.cancelled_by;
    const wrongTimes = TIMES.filter((name) => !isSameTime(row[name], ride[name]));
    if (!hasIds) note(ride, 'another vehicle, rider or provider');
    if (!hasState)
      note(ride, `${row.state} by ${row.cancelled_by}, not ${stateOf(ride)} by ${ride.cancelled_by}`);
    for (const name of wrongTimes) note(ride, `${name} ${row[name]?.getTime()}, not ${ride[name]}`);
    counts.wrongIds += Number(!hasIds);
    counts.wrongStates += Number(!hasState);
    counts.wrongTimes += Number(wrongTimes.length > 0);
    counts.equal += Number(hasIds && hasState && wrongTimes.length === 0);
  }
  const distancesOf = (name: 'distance_meters' | 'matched_distance'): DistanceCounts =>
    compareDistances(completed, name, note);
  return {
    rides: rides.length,
    completed: rides.filter(({ dropped_off_at }) => dropped_off_at !== null).length,
    ...counts,
    extra: extra.length,
    distances: distancesOf('distance_meters'),
    roadDistances: distancesOf('matched_distance'),
    differences,
  };
}

const ID_COLUMNS = ['provider_id', 'rider_id', 'device_id'] as const;

interface Pair {
  readonly ride: TrueRide;
  readonly row: RebuiltRow;
}

function stateOf({ dropped_off_at }: TrueRide): string {
  return dropped_off_at === null ? 'cancelled' : 'completed';
}

function isSameTime(at: Date | null, trueMs: number | null): boolean {
  if (at === null || trueMs === null) return at === null && trueMs === null;
  return Math.abs(at.getTime() - trueMs) <= SAME_TIME_MS;
}

/**
 * The standard error of a distance that is the integral of rounded speeds, in metres, of a ride that starts from standing. The positions
 * do not reduce it: the error of their difference is some decimetres.
 */
export function standardErrorOf(seconds: number): number {
  const whole = Math.floor(seconds);
  const rest = seconds - whole;
  // By the trapezoidal rule, a fix counts for half of the time to the one before and to the one after it.
  const weights = [
    ...Array.from({ length: Math.max(0, whole - 1) }, () => 1),
    (Math.min(1, whole) + rest) / 2,
    rest / 2,
  ];
  return SPEED_DEVIATION * Math.hypot(...(whole === 0 ? [rest / 2] : weights));
}

function compareDistances(
  pairs: readonly Pair[],
  name: 'distance_meters' | 'matched_distance',
  note: (ride: TrueRide, difference: string) => void,
): DistanceCounts {
  let [known, within, withinShare, withinResolution, measured, driven, worst] = [0, 0, 0, 0, 0, 0, 0];
  for (const { ride, row } of pairs) {
    const [meters, trueMeters] = [row[name], ride.distance_meters!];
    if (meters === null) {
      if (name === 'distance_meters') note(ride, `no ${name}, ${trueMeters.toFixed(3)} m driven`);
      continue;
    }
    known += 1;
    measured += meters;
    driven += trueMeters;
    const difference = meters - trueMeters;
    const seconds = (ride.dropped_off_at! - ride.picked_up_at!) / 1_000;
    const isWithinShare = Math.abs(difference) <= TOLERANCE * trueMeters;
    const resolution = STANDARD_ERRORS * standardErrorOf(seconds);
    withinShare += Number(isWithinShare);
    withinResolution += Number(isWithinShare || Math.abs(difference) <= resolution);
    const isWithin = isWithinShare || Math.abs(difference) <= TOLERANCE_METERS;
    within += Number(isWithin);
    if (!isWithin || (!isWithinShare && name === 'distance_meters')) {
      note(ride, `${name} ${meters} m, ${trueMeters.toFixed(3)} m driven in ${seconds.toFixed(1)} s`);
    }
    if (isWithin) continue;
    const share = difference / trueMeters;
    if (Math.abs(share) > Math.abs(worst)) worst = share;
  }
  return {
    known,
    within,
    withinShare,
    withinResolution,
    excess: driven === 0 ? 0 : measured / driven - 1,
    worst,
  };
}
