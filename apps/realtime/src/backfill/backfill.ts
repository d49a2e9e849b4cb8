import { performance } from 'node:perf_hooks';
import { EventDecodeError } from '@hailstream/events';
import type { ConsumerGap, RangeBatch, RangeReader, ResolvedRange, UndecodableBatch } from '@hailstream/log';
import { sleep } from '@hailstream/service/timers';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { CityState } from '../fold/city-state.js';
import type { TripPack } from '../fold/trip-pack.js';
import type { ProviderLimits } from '../limits/provider-limits.js';
import { KeyframeArchive } from '../archive/keyframe-archive.js';
import { KEYFRAME_RECORDS, type KeyframeHeader } from '../archive/keyframe.js';
import { sliceTimes } from '../keyframes/slices.js';
import { foldRecord } from '../log/fold-record.js';
import { LogIndex } from '../log/log-index.js';
import { LogPositions } from '../log/positions.js';
import { BackfillGapError, type BackfillTask } from './backfill-task.js';

/** Maximum time of work without a pause. */
const MAX_WORK_MS = 20;

/** Bytes that are fetched ahead: the thread reads slowly. */
const MAX_BUFFERED_BYTES = 4_194_304;

interface BackfillOptions {
  readonly task: BackfillTask;
  readonly reader: RangeReader;
  readonly onProgress: (share: number) => void;
  readonly onDamaged: (error: unknown, file: string) => void;
  /** @default those of a fleet */
  readonly limits?: ProviderLimits;
  readonly signal?: AbortSignal;
}

/**
 * Folds the log from a time on up to given positions, and writes keyframes, with the index of the log, as realtime would have
 * written them. It continues what was read before: a keyframe has everything up to its positions.
 */
export class Backfill {
  private readonly city: CityState;
  private readonly index = new LogIndex();
  private readonly positions = new LogPositions();
  private readonly archive: KeyframeArchive;
  private since: number | null = null;
  private total = 0n;
  private writtenAtRecords = 0n;
  private pausedAt = performance.now();

  constructor(private readonly options: BackfillOptions) {
    this.city = new CityState(options.limits);
    this.index.enable();
    this.archive = new KeyframeArchive(options.task.folder, options.task.maxBytes, this.index);
  }

  /**
   * Returns the number of records that could not be read.
   *
   * @throws BackfillGapError if the log has deleted records before they were read; LogError as reading does; Error if the
   * folder cannot be written
   */
  async run(): Promise<number> {
    try {
      const startMs = (await this.continueFromNewest()) ?? (await this.begin());
      this.writtenAtRecords = this.positions.recordsPassed;
      this.total = this.left();
      const slices = sliceTimes({
        since: startMs,
        now: Date.now(),
        records: this.total,
        recordsPerSlice: KEYFRAME_RECORDS,
      });
      for (const until of slices) await this.readSlice(await this.endsAt(until));
      await this.readSlice(() => undefined);
      this.options.onProgress(1);
      return this.index.unreadable.count;
    } finally {
      await this.archive.close();
    }
  }

  /** Restores the newest keyframe. Returns the time from which the log is read; `null` if none can be continued. */
  private async continueFromNewest(): Promise<number | null> {
    const { task, onDamaged } = this.options;
    const newest = await this.archive.open(onDamaged);
    if (newest === null) return null;
    const { header } = newest;
    if (header.clusterId === task.clusterId && this.isEarlier(header.since)) {
      const ranges = await this.rangesFrom(header);
      if (ranges !== null) {
        this.city.read(new ByteReader(newest.city.bytes), newest.city.packs);
        this.positions.begin(ranges);
        this.since = header.since;
        return header.latest.received ?? header.since ?? task.since;
      }
    }
    await this.archive.reset();
    return null;
  }

  private isEarlier(since: number | null): boolean {
    return since === null || since < this.options.task.knownSince;
  }

  /** What follows a keyframe; `null` if the log does not continue it. */
  private async rangesFrom(header: KeyframeHeader): Promise<ResolvedRange[] | null> {
    const starts = await this.resolve('earliest');
    const ranges = this.targets().map(({ topic, topicId, partition, to }) => {
      const known = header.topics[topic];
      const from = BigInt(known?.offsets[partition] ?? 0);
      const start = starts.get(nameOf(topic, partition)) ?? 0n;
      return known?.topicId === topicId && from >= start && from <= to
        ? { topic, topicId, partition, from, to }
        : null;
    });
    return ranges.includes(null) ? null : (ranges as ResolvedRange[]);
  }

  /** Starts at the first records that were received since the time of the task, with a keyframe of an empty city. */
  private async begin(): Promise<number> {
    const { since } = this.options.task;
    const [starts, first] = [await this.resolve('earliest'), await this.resolve({ timestampMs: since })];
    const ranges = this.targets().map((target) => {
      const name = nameOf(target.topic, target.partition);
      const from = first.get(name) ?? 0n;
      return { ...target, from: from < target.to ? from : target.to };
    });
    const isComplete = ranges.every(({ topic, partition, from }) => {
      return from <= (starts.get(nameOf(topic, partition)) ?? 0n);
    });
    this.since = isComplete ? null : since;
    this.positions.begin(ranges);
    await this.write();
    return since;
  }

  /** Where each partition is to end. */
  private targets(): Omit<ResolvedRange, 'from'>[] {
    return Object.entries(this.options.task.topics).flatMap(([topic, { topicId, offsets }]) =>
      Object.entries(offsets).map(([partition, to]) => {
        return { topic, topicId, partition: Number(partition), to: BigInt(to) };
      }),
    );
  }

  /** The offset of a place in each partition, by name. */
  private async resolve(
    from: 'earliest' | { readonly timestampMs: number },
  ): Promise<ReadonlyMap<string, bigint>> {
    const { reader, signal } = this.options;
    const { ranges } = await reader.readRange({
      ranges: this.targets().map(({ topic, partition, topicId }) => {
        return { topic, partition, from, to: 'latest', ...(topicId !== undefined && { topicId }) };
      }),
      ...(signal && { signal }),
    });
    return new Map(ranges.map((range) => [nameOf(range.topic, range.partition), range.from]));
  }

  /** Where the slice ends in each partition that was received up to a time. */
  private async endsAt(timestampMs: number): Promise<(name: string) => bigint | undefined> {
    const ends = await this.resolve({ timestampMs });
    return (name) => ends.get(name);
  }

  /** Folds what is left up to these ends, and writes a keyframe. */
  private async readSlice(endOf: (name: string) => bigint | undefined): Promise<void> {
    const { reader, signal } = this.options;
    const ranges = this.positions.remaining().flatMap(({ topic, partition, topicId, from, to }) => {
      const end = endOf(nameOf(topic, partition)) ?? to;
      if (end <= from) return [];
      return { topic, partition, from, to: end < to ? end : to, ...(topicId !== undefined && { topicId }) };
    });
    if (ranges.length === 0) return;
    const read = await reader.readRange({
      ranges,
      maxBufferedBytes: MAX_BUFFERED_BYTES,
      onGap: (gap) => this.noteGap(gap),
      // Skipped, as the fold skips it.
      onUndecodable: (batch) => this.noteUndecodable(batch),
      ...(signal && { signal }),
    });
    for await (const batch of read) {
      this.fold(batch);
      await this.pause();
    }
    if (this.positions.recordsPassed > this.writtenAtRecords) await this.write();
    this.reportProgress();
  }

  private fold({ topic, partition, records, nextOffset }: RangeBatch): void {
    const into = { city: this.city, index: this.index };
    for (const record of records) {
      try {
        foldRecord(into, { topic, partition }, record);
      } catch (error) {
        if (!(error instanceof EventDecodeError)) throw error;
        const offset = Number(record.offset);
        this.index.noteUnreadable({
          topic,
          partition,
          from: offset,
          to: offset + 1,
          received: record.timestampMs,
        });
      }
    }
    this.positions.advance(topic, partition, nextOffset);
  }

  private noteUndecodable(batch: UndecodableBatch): void {
    const { topic, partition, baseOffset, lastOffset } = batch;
    this.index.noteUnreadable({
      topic,
      partition,
      from: Number(baseOffset),
      to: Number(lastOffset) + 1,
      received: null,
    });
  }

  private noteGap(gap: ConsumerGap): void {
    const { topic, partition, expected, found, cause } = gap;
    if (cause === 'unexplained') {
      return this.index.noteUnreadable({
        topic,
        partition,
        from: Number(expected),
        to: Number(found),
        received: null,
      });
    }
    throw new BackfillGapError(
      `${topic}-${partition} was deleted up to offset ${found}, the next one to read is ${expected}`,
    );
  }

  private async write(): Promise<void> {
    this.city.forget();
    const bytes = new ByteWriter();
    const packs = new Map<string, TripPack>();
    for (const _ of this.city.write(bytes, packs)) await this.pause();
    const { task } = this.options;
    const header: Omit<KeyframeHeader, 'packs'> = {
      clusterId: task.clusterId,
      topics: Object.fromEntries(
        Object.entries(task.topics).map(([topic, { topicId }]) => {
          const offsets = [...this.positions.ofTopic(topic)].map(([partition, next]) => [
            partition,
            String(next),
          ]);
          return [topic, { topicId, offsets: Object.fromEntries(offsets) as Record<number, string> }];
        }),
      ),
      since: this.since,
      writtenAt: Date.now(),
      latest: this.city.latest,
      unreadable: this.index.unreadable.list(),
    };
    await this.archive.write(header, { bytes: bytes.finish(), packs }, this.index.cut());
    this.writtenAtRecords = this.positions.recordsPassed;
  }

  /** Waits after some work, so that the thread uses its share of a core at most. */
  private async pause(): Promise<void> {
    const workedMs = performance.now() - this.pausedAt;
    if (workedMs < MAX_WORK_MS) return;
    const { task, signal } = this.options;
    this.reportProgress();
    await sleep(workedMs * (1 / task.share - 1), signal);
    signal?.throwIfAborted();
    this.pausedAt = performance.now();
  }

  private reportProgress(): void {
    const { total } = this;
    this.options.onProgress(total === 0n ? 1 : Number(total - this.left()) / Number(total));
  }

  private left(): bigint {
    return this.positions.remaining().reduce((sum, { from, to }) => sum + to - from, 0n);
  }
}

function nameOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
