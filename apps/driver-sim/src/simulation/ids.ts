import { v5 as uuidV5, v7 as uuidV7 } from 'uuid';
import type { Random } from './random.js';

/** Namespace of the UUIDv5 ids of simulated devices, drivers and riders. Changing it changes all of these ids. */
const CITY_NAMESPACE = 'b1f6a0de-3a55-4c83-a6c7-2f0b8f7be4d1';

/** Returns an id that is the same for the same names in every run. */
export function stableId(...names: readonly (string | number)[]): string {
  return uuidV5(names.join(':'), CITY_NAMESPACE);
}

/** Ids of events and trips: UUIDv7 with the simulated time and the random numbers of the simulation. */
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
