import assert from 'node:assert';
import type { HistoryOrder } from '@hailstream/events/live';
import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import { LATE_AFTER_MS, type LateEvent } from '../late-events/late-event.js';
import { Activity } from './activity.js';
import { UnreadableRanges, type UnreadableRange } from './unreadable-ranges.js';

/**
 * Offsets per chunk. A moment reads the rest of the last chunk of each partition, too, which contains the events of many minutes
 * if few are sent.
 */
const CHUNK_OFFSETS = 64;

/** Maximum number of late events that are kept of a chunk; further ones lower the earliest time of the chunk. */
const MAX_LATE_PER_CHUNK = 8;

/** Maximum number of late events that are kept until they are written with a keyframe. */
const MAX_RECENT_LATE = 20_000;

/** Offsets of one partition, at least one of which is of an event that a moment includes. */
export interface Chunk {
  readonly topic: string;
  readonly partition: number;
  /** Numbers instead of `bigint`: they are passed between threads, and offsets stay below 2^53. */
  readonly from: number;
  readonly to: number;
}

/** The next offset of each partition, by topic. */
export type Offsets = Readonly<Record<string, Readonly<Record<number, number>>>>;

/** A record that was folded. */
interface Note {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly providerId: string;
  /** `null` if it is not known, because the clock of the sender is too far ahead. */
  readonly event: number | null;
  readonly received: number;
  readonly value: Uint8Array | null;
}

/** The times by which chunks are found: `onTime` is `event` without the late events that are kept. */
type ChunkTimes = HistoryOrder | 'onTime';

/** The earliest times in the chunks of one partition, and the latest of events; infinite for a chunk without events. */
interface PartitionIndex {
  readonly topic: string;
  readonly partition: number;
  /** Number of the first chunk. */
  first: number;
  readonly event: number[];
  readonly onTime: number[];
  readonly received: number[];
  readonly latestEvent: number[];
  /** How many late events of each chunk are kept. */
  readonly late: number[];
  /** Offset after the last record. */
  end: number;
  /** Receipt of the last record that was noted; 0 if it is not known. */
  lastReceived: number;
  /** Numbers of the chunks that changed since the last {@link LogIndex.cut}. */
  changed: Set<number>;
}

/** What changed in the index since the last {@link LogIndex.cut}. */
export interface IndexChanges {
  readonly chunks: ReadonlyMap<PartitionIndex, ReadonlySet<number>>;
  readonly activity: Activity;
  /** The late events that are kept. */
  readonly late: readonly LateEvent[];
}

/**
 * The earliest event time, the earliest receipt and the latest event time in each chunk of the log. A record is of a moment or
 * before it only if it is in a chunk whose earliest time is not after the moment: this finds late events, however late they
 * are, without reading what lies between. Nearly every chunk has an event that is late by some minutes, though: unless there
 * are too many, late events are kept as well, and their chunks are not read for them.
 */
export class LogIndex {
  private readonly partitions = new Map<string, PartitionIndex>();
  readonly activity = new Activity();
  /** What the fold skipped. */
  readonly unreadable = new UnreadableRanges();
  private recentActivity = new Activity();
  /** Late events since the last {@link confirm}. */
  private recentLate: LateEvent[] = [];
  private lateCount = 0;
  private isEnabled = false;
  /** The index of the records since {@link beginNext}. */
  private next: LogIndex | null = null;
  /** Whether late events are kept. */
  keepsLate = false;

  /** Without keyframes, from which a moment is read, nothing is kept. */
  enable(): void {
    this.isEnabled = true;
  }

  /** Whether events are counted. */
  get isCounting(): boolean {
    return this.isEnabled;
  }

  note(note: Note): void {
    if (!this.isEnabled) return;
    this.next?.note(note);
    const { topic, partition, offset, providerId, event, received, value } = note;
    const of = this.partitionOf(topic, partition);
    const chunk = Math.floor(offset / CHUNK_OFFSETS);
    const time = event ?? Number.POSITIVE_INFINITY;
    const isKept = value !== null && received - time > LATE_AFTER_MS && this.hasRoomForLate(of, chunk);
    widen(of, chunk, {
      event: time,
      onTime: isKept ? Number.POSITIVE_INFINITY : time,
      received,
      latestEvent: event ?? Number.NEGATIVE_INFINITY,
    });
    if (isKept) {
      // A copy, because a value is a view of everything that was fetched with it.
      this.recentLate.push({ topic, time, receivedAt: received, value: Uint8Array.from(value) });
      this.lateCount += 1;
      of.late[chunk - of.first]! += 1;
    }
    of.changed.add(chunk);
    of.end = Math.max(of.end, offset + 1);
    of.lastReceived = received;
    for (const activity of [this.activity, this.recentActivity]) {
      if (event !== null) activity.add(providerId, 'event', event, 1);
      activity.add(providerId, 'received', received, 1);
    }
  }

  /** Notes records that cannot be read. Without their receipt, it is that of the record before them. */
  noteUnreadable(range: Omit<UnreadableRange, 'received'> & { readonly received: number | null }): void {
    if (!this.isEnabled) return;
    this.next?.noteUnreadable(range);
    const { topic, partition } = range;
    const before = this.partitions.get(nameOf(topic, partition))?.lastReceived ?? 0;
    this.unreadable.note({ ...range, received: range.received ?? before });
  }

  /** The late events that are not in a keyframe's block yet. */
  get late(): readonly LateEvent[] {
    return this.recentLate;
  }

  /** How many late events were kept so far: {@link late} has the last of them. */
  get lateNoted(): number {
    return this.lateCount;
  }

  /**
   * The chunks from `from` on that contain an event whose time is not after `until`; by `onTime`, without the late events that
   * are kept. With `known`, only those that were not returned for it.
   */
  chunksUntil(
    by: ChunkTimes,
    {
      from,
      until,
      known,
    }: {
      readonly from: Offsets;
      readonly until: number;
      readonly known?: { readonly until: number; readonly ends: Offsets };
    },
  ): Chunk[] {
    const chunks: Chunk[] = [];
    for (const of of this.partitions.values()) {
      const { topic, partition, end } = of;
      const start = from[topic]?.[partition] ?? 0;
      const knownEnd = known?.ends[topic]?.[partition] ?? 0;
      const earliest = of[by];
      for (
        let at = Math.max(0, Math.floor(start / CHUNK_OFFSETS) - of.first);
        at < earliest.length;
        at += 1
      ) {
        const time = earliest[at]!;
        if (time > until) continue;
        const chunk = of.first + at;
        const to = Math.min(end, (chunk + 1) * CHUNK_OFFSETS);
        if (known !== undefined && time <= known.until && to <= knownEnd) continue;
        chunks.push({ topic, partition, from: Math.max(start, chunk * CHUNK_OFFSETS), to });
      }
    }
    return chunks;
  }

  /** The chunks of one partition that may contain events from `from` to `until`, both included. */
  chunksBetween(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    { from, until }: { readonly from: number; readonly until: number },
  ): Chunk[] {
    const of = this.partitions.get(nameOf(topic, partition));
    if (of === undefined) return [];
    return of.event.flatMap((earliest, at) => {
      if (earliest > until || of.latestEvent[at]! < from) return [];
      const start = (of.first + at) * CHUNK_OFFSETS;
      return [{ topic, partition, from: start, to: Math.min(of.end, start + CHUNK_OFFSETS) }];
    });
  }

  /** Offsets after the last record of each partition. */
  ends(): Offsets {
    const ends: Record<string, Record<number, number>> = {};
    for (const { topic, partition, end } of this.partitions.values()) (ends[topic] ??= {})[partition] = end;
    return ends;
  }

  /** Drops the chunks before these offsets. */
  forget(before: Offsets): void {
    for (const of of this.partitions.values()) {
      const first = Math.floor((before[of.topic]?.[of.partition] ?? 0) / CHUNK_OFFSETS);
      const count = Math.min(Math.max(0, first - of.first), of.event.length);
      for (const numbers of [of.event, of.onTime, of.received, of.latestEvent, of.late]) {
        numbers.splice(0, count);
      }
      of.first += count;
    }
  }

  clear(): void {
    this.partitions.clear();
    this.activity.clear();
    this.unreadable.clear();
    this.recentActivity = new Activity();
    this.recentLate = [];
    this.next = null;
  }

  /** Starts a second index of the records from now on, which replaces one that was started before. */
  beginNext(): void {
    this.next = new LogIndex();
    this.next.enable();
    this.next.keepsLate = this.keepsLate;
  }

  /** Ends the second index. */
  dropNext(): void {
    this.next = null;
  }

  /** Whether there is a second index: not after a {@link clear}. */
  get hasNext(): boolean {
    return this.next !== null;
  }

  /**
   * Replaces the index by that of all records before {@link beginNext}, and the second one. The one that is passed must not be
   * used afterwards.
   */
  replaceEarlier(earlier: LogIndex): void {
    const { next } = this;
    assert.ok(next !== null, 'the second index was begun');
    this.clear();
    this.add(earlier);
    this.add(next);
  }

  /** Adds an index of other records, none of which is before the first one. It must not be used afterwards. */
  private add(other: LogIndex): void {
    for (const [name, of] of other.partitions) {
      const own = this.partitions.get(name);
      if (own === undefined) {
        this.partitions.set(name, of);
        continue;
      }
      own.end = Math.max(own.end, of.end);
      own.lastReceived = of.lastReceived;
      for (const [at, event] of of.event.entries()) {
        const chunk = of.first + at;
        const times = { event, onTime: of.onTime[at]!, received: of.received[at]! };
        widen(own, chunk, { ...times, latestEvent: of.latestEvent[at]! });
        own.late[chunk - own.first]! += of.late[at]!;
      }
      for (const chunk of of.changed) own.changed.add(chunk);
    }
    this.activity.addAll(other.activity);
    this.unreadable.addAll(other.unreadable.list());
    this.recentActivity.addAll(other.recentActivity);
    this.recentLate.push(...other.recentLate);
    this.lateCount += other.recentLate.length;
  }

  /** Returns what changed since the last call. */
  cut(): IndexChanges {
    const chunks = new Map<PartitionIndex, ReadonlySet<number>>();
    for (const of of this.partitions.values()) {
      if (of.changed.size > 0) chunks.set(of, of.changed);
      of.changed = new Set();
    }
    const activity = this.recentActivity;
    this.recentActivity = new Activity();
    return { chunks, activity, late: [...this.recentLate] };
  }

  /** The changes were written. */
  confirm({ late }: IndexChanges): void {
    // After a clear, they are not the first ones.
    if (this.recentLate[0] === late[0]) this.recentLate.splice(0, late.length);
  }

  /** Reverts {@link cut}: the changes were not written. */
  uncut({ chunks, activity }: IndexChanges): void {
    for (const [of, numbers] of chunks) for (const number of numbers) of.changed.add(number);
    this.recentActivity.addAll(activity);
  }

  /** Everything as changes. */
  all(): IndexChanges {
    const chunks = [...this.partitions.values()].map((of) => {
      return [of, new Set(of.event.map((_, at) => of.first + at))] as const;
    });
    return { chunks: new Map(chunks), activity: this.activity, late: [] };
  }

  /** Adds changes that were written by {@link writeChanges}. */
  read(from: ByteReader): void {
    while (from.count() === 1) {
      const of = this.partitionOf(from.repeatedText(), from.count());
      of.end = Math.max(of.end, from.count());
      for (let count = from.count(); count > 0; count -= 1) {
        const chunk = from.count();
        const times = { event: readTime(from), onTime: readTime(from), received: readTime(from) };
        widen(of, chunk, { ...times, latestEvent: readTime(from, Number.NEGATIVE_INFINITY) });
        if (Number.isFinite(times.received)) of.lastReceived = times.received;
      }
    }
    this.activity.read(from);
  }

  private hasRoomForLate({ first, late }: PartitionIndex, chunk: number): boolean {
    if (!this.keepsLate || this.recentLate.length >= MAX_RECENT_LATE) return false;
    // A chunk before the first one was dropped: its events are in every keyframe.
    return first === -1 || (chunk >= first && (late[chunk - first] ?? 0) < MAX_LATE_PER_CHUNK);
  }

  private partitionOf(topic: string, partition: number): PartitionIndex {
    const name = nameOf(topic, partition);
    let of = this.partitions.get(name);
    if (of === undefined) {
      of = {
        topic,
        partition,
        first: -1,
        event: [],
        onTime: [],
        received: [],
        latestEvent: [],
        late: [],
        end: 0,
        lastReceived: 0,
        changed: new Set(),
      };
      this.partitions.set(name, of);
    }
    return of;
  }
}

export function writeChanges(to: ByteWriter, { chunks, activity }: IndexChanges): void {
  for (const [of, numbers] of chunks) {
    to.count(1);
    to.repeatedText(of.topic);
    to.count(of.partition);
    to.count(of.end);
    to.count(numbers.size);
    for (const number of numbers) {
      to.count(number);
      writeTime(to, of.event[number - of.first]);
      writeTime(to, of.onTime[number - of.first]);
      writeTime(to, of.received[number - of.first]);
      writeTime(to, of.latestEvent[number - of.first]);
    }
  }
  to.count(0);
  activity.write(to);
}

function nameOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Widens the times of a chunk. A chunk before the first one was dropped, and is not kept. */
function widen(
  of: PartitionIndex,
  chunk: number,
  times: {
    readonly event: number;
    readonly onTime: number;
    readonly received: number;
    readonly latestEvent: number;
  },
): void {
  if (of.first === -1) of.first = chunk;
  const at = chunk - of.first;
  if (at < 0) return;
  while (of.event.length <= at) {
    of.event.push(Number.POSITIVE_INFINITY);
    of.onTime.push(Number.POSITIVE_INFINITY);
    of.received.push(Number.POSITIVE_INFINITY);
    of.latestEvent.push(Number.NEGATIVE_INFINITY);
    of.late.push(0);
  }
  of.event[at] = Math.min(of.event[at]!, times.event);
  of.onTime[at] = Math.min(of.onTime[at]!, times.onTime);
  of.received[at] = Math.min(of.received[at]!, times.received);
  of.latestEvent[at] = Math.max(of.latestEvent[at]!, times.latestEvent);
}

function writeTime(to: ByteWriter, time: number | undefined): void {
  to.number(time === undefined || !Number.isFinite(time) ? null : time, { base: 0, parts: 1 });
}

/** `unknown`: of a chunk without events. */
function readTime(from: ByteReader, unknown = Number.POSITIVE_INFINITY): number {
  return from.number({ base: 0, parts: 1 }) ?? unknown;
}
