import type { TrailPoint } from '@hailstream/events/live';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { Motion, MotionPages } from '../motion/motion.js';
import { RecentEvents, type RecentEvent } from './recent-events.js';
import { SeriesReader, SeriesWriter } from './series.js';
import { Trail } from './trail.js';

/** Maximum number of points and events that are added to a past before it is decoded. */
const MAX_ADDED = 16;

/** What only the card of a vehicle shows. */
interface Card {
  readonly events: RecentEvents;
  readonly trail: Trail;
}

/** Points and events that are added to a past when it is decoded. */
interface Added {
  readonly points: TrailPoint[];
  readonly events: RecentEvent[];
}

/** Where a past is in the bytes of a city. */
interface StoredPast {
  readonly bytes: Buffer;
  /** Start of the section of the motion. */
  readonly start: number;
  /** Start of the section of the card, which follows. */
  readonly cardStart: number;
  readonly end: number;
  /** `null` if nothing was added. */
  added: Added | null;
}

/*
 * Past => motion card
 *   motion => section: Motion.write
 *   card => section: RecentEvents.write Trail.write
 */

/**
 * The motion, the trail and the recent events of a vehicle, which no tick needs. A past that was read keeps its bytes, and
 * decodes each of its sections when it is needed: decoding those of all vehicles takes most of the time of a restart.
 */
export class VehiclePast {
  private knownMotion: Motion | null = null;
  private knownCard: Card | null = null;
  /** `null` if both sections are decoded. */
  private stored: StoredPast | null = null;

  /** @param pages have the numbers of the motions of a fleet; those of this past alone if omitted */
  constructor(private readonly pages = new MotionPages(1)) {}

  get motion(): Motion {
    return this.knownMotion ?? this.readMotion();
  }

  get events(): RecentEvents {
    return this.card.events;
  }

  get trail(): Trail {
    return this.card.trail;
  }

  /** Returns whether the trail changed, or may have changed. */
  addPoint(point: TrailPoint): boolean {
    const added = this.addedToStored();
    if (added === null) {
      notePoint(this.motion, point);
      return this.trail.add(point);
    }
    added.points.push(point);
    if (this.knownMotion !== null) notePoint(this.knownMotion, point);
    return this.knownCard?.trail.add(point) ?? true;
  }

  /** Returns whether the events changed, or may have changed. */
  addEvent(event: RecentEvent): boolean {
    const added = this.addedToStored();
    if (added === null) {
      noteEvent(this.motion, event);
      return this.events.add(event);
    }
    added.events.push(event);
    if (this.knownMotion !== null) noteEvent(this.knownMotion, event);
    return this.knownCard?.events.add(event) ?? true;
  }

  /** Adds another past of the same vehicle. Returns whether the trail or the events changed. */
  join(other: VehiclePast): boolean {
    this.decode();
    this.motion.join(other.motion);
    let isChanged = false;
    for (const point of other.trail.points()) if (this.trail.add(point)) isChanged = true;
    for (const event of other.events.list()) if (this.events.add(event)) isChanged = true;
    return isChanged;
  }

  /**
   * Drops trail points that are too old as of `asOf`.
   *
   * @param isTrailRecent whether no point of the trail can be too old
   */
  forget(asOf: number, isTrailRecent: boolean): void {
    if (!isTrailRecent || this.knownCard !== null) this.trail.forget(asOf);
  }

  /** Decodes what is not decoded. The past no longer refers to the bytes that it was read from. */
  decode(): void {
    if (this.stored === null) return;
    void this.motion;
    void this.card;
  }

  /** Writes the past. What was neither decoded nor added to is copied. */
  write(to: ByteWriter): void {
    const { stored } = this;
    const unchanged = stored?.added === null ? stored : null;
    if (unchanged !== null && this.knownMotion === null) {
      to.copy(unchanged.bytes.subarray(unchanged.start, unchanged.cardStart));
    } else {
      to.section(motionBytes(this.motion));
    }
    if (unchanged !== null && this.knownCard === null) {
      to.copy(unchanged.bytes.subarray(unchanged.cardStart, unchanged.end));
    } else {
      to.section(cardBytes(this.card));
    }
  }

  /** The past refers to the bytes of the reader until it is decoded. */
  static read(from: ByteReader, pages: MotionPages): VehiclePast {
    const past = new VehiclePast(pages);
    const { bytes, position: start } = from;
    from.skipSection();
    const cardStart = from.position;
    from.skipSection();
    past.stored = { bytes, start, cardStart, end: from.position, added: null };
    return past;
  }

  private get card(): Card {
    return this.knownCard ?? this.readCard();
  }

  /** The list of additions, or `null` if both sections are decoded. */
  private addedToStored(): Added | null {
    const { stored } = this;
    if (stored === null) return null;
    const added = (stored.added ??= { points: [], events: [] });
    if (added.points.length + added.events.length < MAX_ADDED) return added;
    this.decode();
    return null;
  }

  private readMotion(): Motion {
    const motion = (this.knownMotion = new Motion(this.pages.next()));
    const { stored } = this;
    if (stored === null) return motion;
    const { bytes, start, cardStart, added } = stored;
    motion.read(new ByteReader(new ByteReader(bytes.subarray(start, cardStart)).section()));
    for (const point of added?.points ?? []) notePoint(motion, point);
    for (const event of added?.events ?? []) noteEvent(motion, event);
    this.dropDecoded();
    return motion;
  }

  private readCard(): Card {
    const { stored } = this;
    if (stored === null) return (this.knownCard = { events: new RecentEvents(), trail: new Trail() });
    const { bytes, cardStart, end, added } = stored;
    const section = new ByteReader(bytes.subarray(cardStart, end)).section();
    const from = new SeriesReader(new ByteReader(section));
    const card = (this.knownCard = { events: RecentEvents.read(from), trail: Trail.read(from) });
    for (const event of added?.events ?? []) card.events.add(event);
    for (const point of added?.points ?? []) card.trail.add(point);
    this.dropDecoded();
    return card;
  }

  private dropDecoded(): void {
    if (this.knownMotion !== null && this.knownCard !== null) this.stored = null;
  }
}

function notePoint(motion: Motion, [lat, lng, speed, timestamp]: TrailPoint): void {
  motion.note(timestamp, { lat, lng }, speed);
}

function noteEvent(motion: Motion, { lat, lng, timestamp }: RecentEvent): void {
  motion.note(timestamp, { lat, lng }, null);
}

function motionBytes(motion: Motion): Buffer {
  const to = new ByteWriter();
  motion.write(to);
  return to.finish();
}

function cardBytes({ events, trail }: Card): Buffer {
  const to = new SeriesWriter(new ByteWriter());
  events.write(to);
  trail.write(to);
  return to.bytes.finish();
}
