import { readTripPack } from '../archive/trip-pack-store.js';
import type { TripPacks } from '../fold/fleet-trips.js';
import type { TripPack } from '../fold/trip-pack.js';

/** Maximum size of the packs that are kept: several days of a thousand vehicles. */
const MAX_BYTES = 33_554_432;

/** Packs of trips that were read: most moments of a day refer to some of the same ones. */
export class TripPackCache {
  /** By id, the least recently used first. */
  private readonly kept = new Map<string, TripPack>();
  private sizeBytes = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  /** @throws KeyframeError if a pack is missing or damaged */
  async read(folder: string, ids: readonly string[]): Promise<TripPacks> {
    const packs = await Promise.all(ids.map(async (id) => this.kept.get(id) ?? readTripPack(folder, id)));
    for (const pack of packs) this.keep(pack);
    return new Map(packs.map((pack) => [pack.id, pack]));
  }

  private keep(pack: TripPack): void {
    if (!this.kept.delete(pack.id)) this.sizeBytes += pack.bytes.length;
    this.kept.set(pack.id, pack);
    for (const [id, { bytes }] of this.kept) {
      if (this.sizeBytes <= this.maxBytes) return;
      this.kept.delete(id);
      this.sizeBytes -= bytes.length;
    }
  }
}
