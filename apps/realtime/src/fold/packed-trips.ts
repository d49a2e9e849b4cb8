import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { TextTable } from '../encoding/text-table.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { TripFacts } from './trip.js';

/** At least a quarter of the slots is empty, so that a search for a trip ends soon. */
const MAX_FILLED = 0.75;
const SLOT_BYTES = 4;

/*
 * Packed => count table slots trips
 *   count => number of trips
 *   table => TextTable of the trips
 *   slots => [UINT32 LE], a hash table: 0, or one more than where a trip is in `trips`
 *   trips => [TripFacts.write]
 */

/** Writes trips that are seldom needed again. */
export class TripPacker {
  private readonly table = new TextTable();
  private readonly trips = new ByteWriter(this.table);
  private readonly entries: { readonly hash: number; readonly position: number }[] = [];

  add(trip: TripFacts): void {
    this.entries.push({ hash: hashOf(trip.tripId), position: this.trips.sizeBytes });
    trip.write(new SeriesWriter(this.trips));
  }

  write(to: ByteWriter): void {
    to.count(this.entries.length);
    to.section(this.table.finish());
    to.section(this.slots());
    to.section(this.trips.finish());
  }

  private slots(): Buffer {
    const count = 2 ** Math.ceil(Math.log2(this.entries.length / MAX_FILLED + 1));
    const slots = Buffer.alloc(count * SLOT_BYTES);
    for (const { hash, position } of this.entries) {
      let slot = hash % count;
      while (slots.readUInt32LE(slot * SLOT_BYTES) !== 0) slot = (slot + 1) % count;
      slots.writeUInt32LE(position + 1, slot * SLOT_BYTES);
    }
    return slots;
  }
}

/** Trips that were read and are decoded only if they are needed: most trips of a city have ended. */
export class PackedTrips {
  private readonly taken = new Set<string>();
  private texts: string[] | null = null;
  /** Up to where {@link takeNext} has decoded the trips. */
  private rest: ByteReader | null = null;

  private constructor(
    private readonly count: number,
    private readonly table: Buffer,
    private readonly slots: Buffer,
    private readonly trips: Buffer,
  ) {}

  static read(from: ByteReader): PackedTrips {
    return new PackedTrips(from.count(), from.section(), from.section(), from.section());
  }

  /** Removes and returns a trip; `null` if it is not one of these. */
  take(tripId: string): TripFacts | null {
    const slots = this.slots.length / SLOT_BYTES;
    for (let slot = hashOf(tripId) % slots; ; slot = (slot + 1) % slots) {
      const position = this.slots.readUInt32LE(slot * SLOT_BYTES) - 1;
      if (position < 0) return null;
      const bytes = this.trips.subarray(position);
      if (new ByteReader(bytes).text() !== tripId) continue;
      if (this.taken.has(tripId)) return null;
      this.taken.add(tripId);
      return TripFacts.read(new SeriesReader(new ByteReader(bytes, this.readTexts())));
    }
  }

  /** Removes and returns another trip; `null` if none is left. */
  takeNext(): TripFacts | null {
    this.rest ??= new ByteReader(this.trips, this.readTexts());
    while (!this.rest.isAtEnd) {
      const trip = TripFacts.read(new SeriesReader(this.rest));
      if (this.taken.has(trip.tripId)) continue;
      this.taken.add(trip.tripId);
      return trip;
    }
    return null;
  }

  get isEmpty(): boolean {
    return this.taken.size === this.count;
  }

  private readTexts(): string[] {
    return (this.texts ??= TextTable.read(new ByteReader(this.table)));
  }
}

/** FNV-1a of the characters. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
