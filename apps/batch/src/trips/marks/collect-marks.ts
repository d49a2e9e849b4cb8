import type { EncodedRows } from '../../rows/encode-chunk.js';

const HOUR_MS = 3_600_000;

/** Times in which events of a vehicle, of a trip or of both happened, in milliseconds, both included. */
export interface Mark {
  readonly providerId: string;
  readonly deviceId: string | null;
  readonly tripId: string | null;
  fromMs: number;
  toMs: number;
}

/** What is rebuilt because of some rows. */
interface Marks {
  /** Trips that the rows name, by vehicle. */
  readonly trips: readonly Mark[];
  /** Vehicles, by hour of the rows: late rows mark the trips of their hours only. */
  readonly vehicles: readonly Mark[];
}

/** Collects the marks of rows, at most one of each vehicle and hour, and one of each vehicle and trip. */
export function collectMarks(rows: EncodedRows, written: readonly number[]): Marks {
  const trips = new Map<string, Mark>();
  const vehicles = new Map<string, Mark[]>();
  for (const row of written) {
    const { providerId, timeMs } = rows.keys[row]!;
    const { deviceId, tripIds } = rows.subjects[row]!;
    if (deviceId !== null) {
      const ofDevice = vehicles.get(deviceId);
      const hour = Math.floor(timeMs / HOUR_MS);
      const mark = ofDevice?.find(
        (each) => Math.floor(each.fromMs / HOUR_MS) === hour && each.providerId === providerId,
      );
      if (mark !== undefined) extend(mark, timeMs);
      else {
        const added = { providerId, deviceId, tripId: null, fromMs: timeMs, toMs: timeMs };
        if (ofDevice === undefined) vehicles.set(deviceId, [added]);
        else ofDevice.push(added);
      }
    }
    for (const tripId of tripIds) {
      const key = `${tripId}${deviceId ?? ''}${providerId}`;
      const mark = trips.get(key);
      if (mark !== undefined) extend(mark, timeMs);
      else trips.set(key, { providerId, deviceId, tripId, fromMs: timeMs, toMs: timeMs });
    }
  }
  return { trips: [...trips.values()], vehicles: [...vehicles.values()].flat() };
}

function extend(mark: Mark, timeMs: number): void {
  mark.fromMs = Math.min(mark.fromMs, timeMs);
  mark.toMs = Math.max(mark.toMs, timeMs);
}
