import type { HistoryOrder } from '@hailstream/events/live';
import { CityState, timeOf, type CityEvent, type ProviderFilter } from '../fold/city-state.js';
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

/** Finds the chunks with events that are not after `until` and were not found before. */
type FindChunks = (until: number) => Promise<readonly Chunk[]>;

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
  readonly city = new CityState();
  /** Events after the moment, earliest last. */
  private pending: PendingEvent[] = [];
  /** Chunks with events after the moment that are not kept in {@link pending}, by the earliest time of these events. */
  private unread: { readonly time: number; readonly chunks: readonly Chunk[] }[] = [];
  private isSorted = true;

  constructor(
    private readonly by: HistoryOrder,
    private readonly filter: ProviderFilter,
    private readonly source: { readonly find: FindChunks; readonly read: ReadChunks },
  ) {}

  /** Folds the events up to `at`. */
  async advance(at: number): Promise<void> {
    const found = await this.source.find(at);
    const due = this.unread.filter(({ time }) => time <= at).flatMap(({ chunks }) => chunks);
    this.unread = this.unread.filter(({ time }) => time > at);
    await this.read([...due, ...found], at);
    this.foldPending(at);
    this.city.advance(at);
  }

  private async read(chunks: readonly Chunk[], at: number): Promise<void> {
    if (chunks.length === 0) return;
    let isFull = false;
    let earliest = Number.POSITIVE_INFINITY;
    await this.source.read(chunks, (event) => {
      const { input, receivedAt } = event;
      if (this.filter !== null && input.event.provider_id !== this.filter) return;
      const time = this.by === 'event' ? timeOf(input, receivedAt) : receivedAt;
      if (time === null) return;
      if (time <= at) {
        this.fold({ ...event, time });
      } else if (this.pending.length < MAX_PENDING) {
        this.pending.push({ ...event, time });
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
      this.fold(next);
      this.pending.pop();
    }
  }

  private fold({ input, receivedAt, time }: PendingEvent): void {
    this.city.fold(input, { receivedAt, now: time });
  }
}
