import { v5 as uuidV5, v7 as uuidV7 } from 'uuid';
import type { Random } from './random.js';

/** Devices, drivers and riders of simulated cities are UUIDv5 in this namespace. Changing it makes them others. */
const CITY_NAMESPACE = 'b1f6a0de-3a55-4c83-a6c7-2f0b8f7be4d1';

/** An id that lasts: the same for the same names, in every run. */
export function lastingId(...names: readonly (string | number)[]): string {
  return uuidV5(names.join(':'), CITY_NAMESPACE);
}

/** Ids of what happens: UUIDv7 of the time of the city, with its own chance as the random part. */
export class EventIds {
  private readonly random: Random;
  private readonly bytes = new Uint8Array(16);

  constructor(random: Random) {
    this.random = random;
  }

  next(timestampMs: number): string {
    for (let index = 0; index < this.bytes.length; index += 1)
      this.bytes[index] = this.random.uint32() >>> 24;
    return uuidV7({ msecs: timestampMs, random: this.bytes });
  }
}
