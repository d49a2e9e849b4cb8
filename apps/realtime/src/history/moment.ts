import type { HistoryOrder } from '@hailstream/events/live';
import { CityState, timeOf, type CityEvent, type ProviderFilter } from '../fold/city-state.js';
import type { FleetLimits } from '../fold/fleet.js';
import { LateBlockError, type LateEvent } from '../late-events/late-event.js';
import { decodeRecord } from '../log/decode.js';
import type { Chunk } from '../log/log-index.js';

/** Maximum number of events that were read before their time and are kept until then. Others are read again. */
const MAX_PENDING = 100_000;

/** An event that was read, and when it was received. */
interface ReadEvent {
  readonly input: CityEvent;
  readonly receivedAt: number;
}

/** Reads the events in chunks of the log. It may return more than is in the chunks. */
export type ReadChunks = (chunks: readonly Chunk[], use: (event: ReadEvent) => void) => Promise<void>;

/** Late events that are kept together, in a file or in memory. */
export interface LateEvents {
  /** Earliest time of the events. */
  readonly earliest: number;
  /** @throws LateBlockError if they cannot be read */
  readonly read: () => Promise<readonly LateEvent[]>;
}

export interface Found {
  readonly chunks: readonly Chunk[];
  readonly late: readonly LateEvents[];
}

/**
 * Finds the chunks and late events that are not after `until` and were not found before. Without `usesLate`, all chunks with
 * an event that is not after it.
 */
type FindEvents = (until: number, usesLate: boolean) => Promise<Found>;

interface PendingEvent extends ReadEvent {
  readonly time: number;
}

/**
 * The city at a moment: a keyframe that contains no later event, and every event that follows the keyframe's positions and
 * whose time is not after the moment. The fold has the same result for any order and repetition of events, so it does not
 * matter when a late event was received, and whether the keyframe contains it.
 *
 * The moment moves forward only; an earlier one starts from a keyframe again.
 */
export class Moment {
  readonly city: CityState;
  /** Events after the moment, earliest last. */
  private pending: PendingEvent[] = [];
  /** Chunks with events after the moment that are not kept in {@link pending}, by the earliest time of these events. */
  private unread: { readonly time: number; readonly chunks: readonly Chunk[] }[] = [];
  /** Late events that were found, with the time up to which they are folded, and the earliest time of the others. */
  private late: { readonly folded: number; readonly time: number; readonly events: LateEvents }[] = [];
  /** Whether the late events can be read. Otherwise the log is read for them. */
  private usesLate = true;
  private isSorted = true;

  constructor(
    private readonly by: HistoryOrder,
    private readonly filter: ProviderFilter,
    private readonly source: { readonly find: FindEvents; readonly read: ReadChunks },
    limits?: Partial<FleetLimits>,
  ) {
    this.city = new CityState(limits);
  }

  /** Folds the events up to `at`. */
  async advance(at: number): Promise<void> {
    const found = await this.source.find(at, this.usesLate);
    const due = this.unread.filter(({ time }) => time <= at).flatMap(({ chunks }) => chunks);
    this.unread = this.unread.filter(({ time }) => time > at);
    const folded = Number.NEGATIVE_INFINITY;
    this.late.push(...found.late.map((events) => ({ folded, time: events.earliest, events })));
    await Promise.all([this.read([...due, ...found.chunks], at), this.readLate(at)]);
    this.foldPending(at);
    // As the live city does: a keyframe may have vehicles that were dropped later.
    this.city.dropSilent();
    this.city.advance(at);
  }

  private async readLate(at: number): Promise<void> {
    const due = this.late.filter(({ time }) => time <= at);
    if (due.length === 0) return;
    this.late = this.late.filter(({ time }) => time > at);
    try {
      for (const { folded, events } of due) {
        const next = this.foldLate(await events.read(), folded, at);
        if (next < Number.POSITIVE_INFINITY) this.late.push({ folded: at, time: next, events });
      }
    } catch (error) {
      if (!(error instanceof LateBlockError)) throw error;
      this.usesLate = false;
      this.late = [];
      await this.read((await this.source.find(at, false)).chunks, at);
    }
  }

  /** Folds late events that are after `folded` and not after `at`. Returns the earliest time of the later ones. */
  private foldLate(events: readonly LateEvent[], folded: number, at: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { topic, time, receivedAt, value } of events) {
      if (time > at) {
        next = Math.min(next, time);
      } else if (time > folded) {
        const input = decodeRecord(topic, Buffer.from(value.buffer, value.byteOffset, value.length));
        if (input !== null && this.isSelected(input)) this.city.fold(input, { receivedAt, now: time });
      }
    }
    return next;
  }

  private isSelected({ event }: CityEvent): boolean {
    return this.filter === null || event.provider_id === this.filter;
  }

  private async read(chunks: readonly Chunk[], at: number): Promise<void> {
    if (chunks.length === 0) return;
    let isFull = false;
    let earliest = Number.POSITIVE_INFINITY;
    await this.source.read(chunks, ({ input, receivedAt }) => {
      if (!this.isSelected(input)) return;
      const time = this.by === 'event' ? timeOf(input, receivedAt) : receivedAt;
      if (time === null) return;
      if (time <= at) {
        this.city.fold(input, { receivedAt, now: time });
      } else if (this.pending.length < MAX_PENDING) {
        this.pending.push({ input, receivedAt, time });
        this.isSorted = false;
      } else {
        isFull = true;
        earliest = Math.min(earliest, time);
      }
    });
    if (isFull) this.unread.push({ time: earliest, chunks });
  }

  private foldPending(at: number): void {
    if (!this.isSorted) this.pending.sort((a, b) => b.time - a.time);
    this.isSorted = true;
    for (let next = this.pending.at(-1); next !== undefined && next.time <= at; next = this.pending.at(-1)) {
      this.city.fold(next.input, { receivedAt: next.receivedAt, now: next.time });
      this.pending.pop();
    }
  }
}
