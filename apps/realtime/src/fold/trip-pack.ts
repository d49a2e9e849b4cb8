import { createHash } from 'node:crypto';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { TextTable } from '../encoding/text-table.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { TripFacts } from './trip.js';

/** At least a quarter of the slots is empty, so that a search for a trip ends soon. */
const MAX_FILLED = 0.75;
const SLOT_BYTES = 8;

/** Hexadecimal digits of an id: 128 bits of the digest. */
const ID_LENGTH = 32;

/*
 * Pack => count earliest latest table slots trips
 *   count => number of trips
 *   earliest, latest => lowest and highest time of a trip's newest event; 0 without trips
 *   table => TextTable of the trips
 *   slots => [position hash], a hash table whose size is a power of two
 *     position => UINT32 LE: 0, or one more than where a trip is in `trips`
 *     hash => UINT32 LE, of its id: most searches are for trips of other packs, and read no id
 *   trips => [TripFacts.write]
 */

/** Packs trips that are seldom needed again. */
export class TripPacker {
  private readonly table = new TextTable();
  private readonly trips = new ByteWriter(this.table);
  private readonly entries: { readonly hash: number; readonly position: number }[] = [];
  private earliest = Number.POSITIVE_INFINITY;
  private latest = Number.NEGATIVE_INFINITY;

  add(trip: TripFacts): void {
    this.entries.push({ hash: tripHash(trip.tripId), position: this.trips.sizeBytes });
    this.earliest = Math.min(this.earliest, trip.heardAt);
    this.latest = Math.max(this.latest, trip.heardAt);
    trip.write(new SeriesWriter(this.trips));
  }

  /** The packer must not be used afterwards. */
  finish(): TripPack {
    const { length } = this.entries;
    const to = new ByteWriter();
    to.count(length);
    const times = new SeriesWriter(to);
    times.time(length === 0 ? 0 : this.earliest);
    times.time(length === 0 ? 0 : this.latest);
    to.section(this.table.finish());
    to.section(this.slots());
    to.section(this.trips.finish());
    // A copy without the room that the writer has reserved.
    return new TripPack(Buffer.from(to.finish()));
  }

  private slots(): Buffer {
    const count = 2 ** Math.ceil(Math.log2(this.entries.length / MAX_FILLED + 1));
    const slots = Buffer.alloc(count * SLOT_BYTES);
    for (const { hash, position } of this.entries) {
      let slot = hash % count;
      while (slots.readUInt32LE(slot * SLOT_BYTES) !== 0) slot = (slot + 1) % count;
      slots.writeUInt32LE(position + 1, slot * SLOT_BYTES);
      slots.writeUInt32LE(hash, slot * SLOT_BYTES + 4);
    }
    return slots;
  }
}

/** Trips as bytes, which are decoded only if they are needed: most trips of a city have ended. It never changes. */
export class TripPack {
  readonly count: number;
  /** Lowest and highest time of a trip's newest event. */
  readonly earliest: number;
  readonly latest: number;
  private readonly table: Buffer;
  private readonly slots: Buffer;
  private readonly trips: Buffer;
  private texts: string[] | null = null;

  /**
   * @param bytes of a pack; they must not change
   * @param knownId its id if it was computed before
   */
  constructor(
    readonly bytes: Buffer,
    private knownId: string | null = null,
  ) {
    const from = new ByteReader(bytes);
    this.count = from.count();
    const times = new SeriesReader(from);
    this.earliest = times.knownTime();
    this.latest = times.knownTime();
    this.table = from.section();
    this.slots = from.section();
    this.trips = from.section();
  }

  /** See {@link tripPackId}. */
  get id(): string {
    return (this.knownId ??= tripPackId(this.bytes));
  }

  has(tripId: string): boolean {
    return this.positionOf(tripId, tripHash(tripId)) !== null;
  }

  /** @param hash {@link tripHash} of the id */
  find(tripId: string, hash: number): TripFacts | null {
    const position = this.positionOf(tripId, hash);
    return position === null ? null : TripFacts.read(new SeriesReader(this.readerAt(position)));
  }

  /** All trips, each of which is decoded when it is requested. */
  *all(): Generator<TripFacts> {
    const from = this.readerAt(0);
    while (!from.isAtEnd) yield TripFacts.read(new SeriesReader(from));
  }

  private readerAt(position: number): ByteReader {
    this.texts ??= TextTable.read(new ByteReader(this.table));
    return new ByteReader(this.trips.subarray(position), this.texts);
  }

  private positionOf(tripId: string, hash: number): number | null {
    const slots = this.slots.length / SLOT_BYTES;
    for (let slot = hash % slots; ; slot = (slot + 1) % slots) {
      const position = this.slots.readUInt32LE(slot * SLOT_BYTES) - 1;
      if (position < 0) return null;
      if (this.slots.readUInt32LE(slot * SLOT_BYTES + 4) !== hash) continue;
      if (new ByteReader(this.trips.subarray(position)).text() === tripId) return position;
    }
  }
}

/** The digest of a pack: packs with equal ids have equal trips, and a damaged one has another id. */
export function tripPackId(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, ID_LENGTH);
}

/** FNV-1a of the characters of an id. */
export function tripHash(tripId: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < tripId.length; at += 1) hash = Math.imul(hash ^ tripId.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
