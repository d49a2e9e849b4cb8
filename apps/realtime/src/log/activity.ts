import type { HistoryOrder } from '@hailstream/events/live';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';

export const MINUTE_MS = 60_000;

/** Maximum number of minutes that are counted per provider and order: four weeks. Beyond it, the first one is dropped. */
const MAX_MINUTES = 40_320;

type Minutes = Map<number, number>;

/** Events per minute, by provider, by event time and by receipt. */
export class Activity {
  private readonly providers = new Map<string, Readonly<Record<HistoryOrder, Minutes>>>();

  add(providerId: string, by: HistoryOrder, time: number, count: number): void {
    let of = this.providers.get(providerId);
    if (of === undefined) {
      of = { event: new Map(), received: new Map() };
      this.providers.set(providerId, of);
    }
    const minute = Math.max(0, Math.floor(time / MINUTE_MS));
    const minutes = of[by];
    const known = minutes.get(minute);
    if (known === undefined && minutes.size >= MAX_MINUTES) minutes.delete(Math.min(...minutes.keys()));
    minutes.set(minute, (known ?? 0) + count);
  }

  addAll(other: Activity): void {
    for (const [providerId, orders] of other.providers) {
      for (const by of ['event', 'received'] as const) {
        for (const [minute, count] of orders[by]) this.add(providerId, by, minute * MINUTE_MS, count);
      }
    }
  }

  /** Counts of the intervals of `stepMs`, which is a multiple of a minute, from `from` on; of all providers if it is `null`. */
  counts(
    by: HistoryOrder,
    range: { readonly from: number; readonly stepMs: number; readonly intervals: number },
    providerId: string | null,
  ): number[] {
    const counts = Array.from({ length: range.intervals }, () => 0);
    for (const minutes of this.minutesOf(by, providerId)) {
      for (const [minute, count] of minutes) {
        const at = Math.floor((minute * MINUTE_MS - range.from) / range.stepMs);
        if (at >= 0 && at < counts.length) counts[at]! += count;
      }
    }
    return counts;
  }

  /** The start of the first minute with an event; `null` without events. */
  firstMinute(by: HistoryOrder): number | null {
    let first: number | null = null;
    for (const minutes of this.minutesOf(by, null)) {
      for (const minute of minutes.keys()) first = Math.min(first ?? minute, minute);
    }
    return first === null ? null : first * MINUTE_MS;
  }

  clear(): void {
    this.providers.clear();
  }

  write(to: ByteWriter): void {
    for (const [providerId, orders] of this.providers) {
      to.count(1);
      to.text(providerId);
      for (const by of ['event', 'received'] as const) {
        to.count(orders[by].size);
        for (const [minute, count] of orders[by]) {
          to.count(minute);
          to.count(count);
        }
      }
    }
    to.count(0);
  }

  /** Adds what was written. */
  read(from: ByteReader): void {
    while (from.count() === 1) {
      const providerId = from.text();
      for (const by of ['event', 'received'] as const) {
        for (let count = from.count(); count > 0; count -= 1) {
          this.add(providerId, by, from.count() * MINUTE_MS, from.count());
        }
      }
    }
  }

  private *minutesOf(by: HistoryOrder, providerId: string | null): Generator<Minutes> {
    for (const [id, orders] of this.providers) {
      if (providerId === null || id === providerId) yield orders[by];
    }
  }
}
