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
  const vehicles = new Map<number, VehicleMark[]>();
  const { keys, devices, people } = rows;
  for (const row of written) {
    const timeMs = keys.timeAt(row);
    const device = devices[row]!;
    if (device >= 0) {
      const hour = Math.floor(timeMs / HOUR_MS);
      const provider = keys.providerNumberAt(row);
      const ofDevice = vehicles.get(device);
      const known = ofDevice?.find((each) => each.hour === hour && each.provider === provider);
      if (known !== undefined) extend(known.mark, timeMs);
      else {
        const [providerId, deviceId] = [keys.providerAt(row), people.textAt(device)];
        const mark = { providerId, deviceId, tripId: null, fromMs: timeMs, toMs: timeMs };
        if (ofDevice === undefined) vehicles.set(device, [{ hour, provider, mark }]);
        else ofDevice.push({ hour, provider, mark });
      }
    }
    for (const tripId of rows.trips.get(row) ?? []) {
      const [providerId, deviceId] = [keys.providerAt(row), device < 0 ? null : people.textAt(device)];
      const key = `${tripId}${deviceId ?? ''}${providerId}`;
      const mark = trips.get(key);
      if (mark !== undefined) extend(mark, timeMs);
      else trips.set(key, { providerId, deviceId, tripId, fromMs: timeMs, toMs: timeMs });
    }
  }
  return { trips: [...trips.values()], vehicles: [...vehicles.values()].flat().map(({ mark }) => mark) };
}

/** The mark of a vehicle in one hour, of a provider that has this number in the rows. */
interface VehicleMark {
  readonly hour: number;
  readonly provider: number;
  readonly mark: Mark;
}

function extend(mark: Mark, timeMs: number): void {
  mark.fromMs = Math.min(mark.fromMs, timeMs);
  mark.toMs = Math.max(mark.toMs, timeMs);
}
