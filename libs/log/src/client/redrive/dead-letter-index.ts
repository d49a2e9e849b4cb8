import type { Logger } from 'pino';
import type { Admin } from '../admin/admin.js';
import { LogError } from '../core/errors.js';
import type { RangeReader } from '../range/range.js';
import type { LogRecord } from '../record/record.js';
import type { DeadLetterOrigin } from '../dead-letter/dead-letter.js';
import { toEntry, type DeadLetterEntry } from './dead-letter-entry.js';
import { readDeadLetter } from '../dead-letter/dead-letter-record.js';
import { readRedrive } from './redrive-record.js';

/** Texts of which entries share one copy. */
const MAX_SHARED_TEXTS = 10_000;

interface DeadLetterIndexOptions {
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly logger: Logger;
  /** The dead-letter topic. */
  readonly topic: string;
  /** Maximum number of dead letters; beyond it the oldest ones are left out. */
  readonly maxEntries: number;
  /** Whose record a dead letter has. @default unknown */
  readonly ownerOf?: (record: LogRecord, origin: DeadLetterOrigin) => string | undefined;
}

/** A dead letter as the topic has it. */
interface StoredDeadLetter {
  readonly record: LogRecord;
  readonly origin: DeadLetterOrigin;
}

/**
 * The dead letters of a topic, and which of them were redriven, up to the last {@link update}. A dead letter that was written
 * several times is one entry, and a redriven one stays redriven, however often it is written again.
 */
export class DeadLetterIndex {
  /** In the order in which they were read: those of a partition in order. */
  private readonly entries = new Map<string, DeadLetterEntry>();
  /** Marks of dead letters that the index does not have, and their times. */
  private readonly otherMarks = new Map<string, number>();
  private readonly positions = new Map<number, bigint>();
  private readonly sharedTexts = new Map<string, string>();
  private topicId: string | undefined;
  private updating: Promise<void> | undefined;
  private leftOut = false;
  private unreadableBatches = 0;

  constructor(private readonly options: DeadLetterIndexOptions) {}

  /** Whether the topic has dead letters that the index has left out, because they are older than its newest ones. */
  get isTruncated(): boolean {
    return this.leftOut;
  }

  /** Batches of the topic that cannot be decoded. */
  get unreadable(): number {
    return this.unreadableBatches;
  }

  get size(): number {
    return this.entries.size;
  }

  get(id: string): DeadLetterEntry | undefined {
    return this.entries.get(id);
  }

  values(): Iterable<DeadLetterEntry> {
    return this.entries.values();
  }

  /**
   * Reads what the topic has now and the index does not. It has nothing if the topic does not exist. Calls that overlap share
   * one update.
   *
   * @throws LogError if the topic cannot be read; what was read before remains
   */
  async update(signal?: AbortSignal): Promise<void> {
    this.updating ??= this.read(signal).finally(() => (this.updating = undefined));
    await this.updating;
  }

  /** Reads the record of a dead letter; `undefined` if it was deleted or cannot be decoded. @throws LogError if it cannot be read */
  async readRecord({ id, place }: DeadLetterEntry): Promise<StoredDeadLetter | undefined> {
    const { reader, topic } = this.options;
    const ranges = [{ topic, partition: place.partition, from: place.offset, to: place.offset + 1n }];
    const read = await reader.readRange({ ranges, onGap: () => undefined, onUndecodable: () => undefined });
    for await (const { records } of read) {
      for (const record of records) {
        const origin = readDeadLetter(record);
        if (origin?.id === id) return { record, origin };
      }
    }
    return undefined;
  }

  private async read(signal: AbortSignal | undefined): Promise<void> {
    const { admin, reader, topic } = this.options;
    const topicId = await this.currentTopicId();
    if (topicId !== this.topicId) this.clear(topicId);
    if (topicId === undefined) return;
    // Up to the high watermark, beyond the last stable offset: a mark behind an open transaction counts.
    const offsets = await admin.offsets(topic);
    const ranges = [...offsets].map(([partition, { earliest, latest }]) => {
      const from = this.startOf(partition, earliest, latest);
      return { topic, topicId, partition, from, to: latest > from ? latest : from };
    });
    const read = await reader.readRange({
      ranges: ranges.filter(({ from, to }) => from < to),
      ...(signal && { signal }),
      onGap: ({ partition, expected, found, cause }) => {
        if (cause !== 'unexplained') return;
        this.unreadableBatches += 1;
        this.options.logger.warn(
          { topic, partition, expected: String(expected), found: String(found) },
          'the dead-letter topic lacks offsets',
        );
      },
      onUndecodable: ({ partition, baseOffset, reason }) => {
        this.unreadableBatches += 1;
        const fields = { topic, partition, offset: String(baseOffset), err: reason };
        this.options.logger.warn(fields, 'a batch of the dead-letter topic cannot be decoded');
      },
    });
    for await (const { partition, records, nextOffset } of read) {
      for (const record of records) this.add(record, partition);
      this.positions.set(partition, nextOffset);
    }
  }

  private async currentTopicId(): Promise<string | undefined> {
    const { admin, topic } = this.options;
    try {
      return (await admin.identities([topic])).get(topic)?.topicId;
    } catch (error) {
      if (error instanceof LogError && error.code === 'UNKNOWN_TOPIC') return undefined;
      throw error;
    }
  }

  /** The first read is limited to as many offsets as the index can have entries. */
  private startOf(partition: number, earliest: bigint, latest: bigint): bigint {
    const known = this.positions.get(partition);
    if (known !== undefined) return known > earliest ? known : earliest;
    const limit = latest - BigInt(this.options.maxEntries);
    if (limit <= earliest) return earliest;
    this.leftOut = true;
    return limit;
  }

  private clear(topicId: string | undefined): void {
    this.topicId = topicId;
    this.entries.clear();
    this.otherMarks.clear();
    this.positions.clear();
    this.leftOut = false;
    this.unreadableBatches = 0;
  }

  private add(record: LogRecord, partition: number): void {
    const origin = readDeadLetter(record);
    if (origin === undefined) {
      this.addMark(record);
      return;
    }
    const owner = this.options.ownerOf?.(record, origin);
    const known = this.entries.get(origin.id);
    const entry = this.withSharedTexts(toEntry(origin, record, { partition, owner }));
    const redrivenMs = known ? known.redrivenMs : this.otherMarks.get(entry.id);
    this.otherMarks.delete(entry.id);
    const firstWrittenMs = known?.firstWrittenMs ?? entry.firstWrittenMs;
    this.entries.set(entry.id, { ...entry, firstWrittenMs, redrivenMs });
    if (this.entries.size > this.options.maxEntries) this.dropOldest(this.entries);
  }

  private addMark(record: LogRecord): void {
    const mark = readRedrive(record);
    if (mark === undefined) return;
    const entry = this.entries.get(mark.id);
    if (entry === undefined) this.otherMarks.set(mark.id, record.timestampMs);
    else this.entries.set(mark.id, { ...entry, redrivenMs: entry.redrivenMs ?? record.timestampMs });
    if (this.otherMarks.size > this.options.maxEntries) this.dropOldest(this.otherMarks);
  }

  private dropOldest(map: Map<string, unknown>): void {
    for (const id of map.keys()) {
      map.delete(id);
      break;
    }
    this.leftOut = true;
  }

  /** Most entries have the same few reasons. */
  private withSharedTexts(entry: DeadLetterEntry): DeadLetterEntry {
    const { topic, groupId, error, errorName, pattern } = entry;
    return {
      ...entry,
      topic: this.shared(topic),
      groupId: this.shared(groupId),
      error: this.shared(error),
      errorName: this.shared(errorName),
      pattern: this.shared(pattern),
    };
  }

  private shared(text: string): string {
    const known = this.sharedTexts.get(text);
    if (known !== undefined) return known;
    if (this.sharedTexts.size >= MAX_SHARED_TEXTS) this.sharedTexts.clear();
    this.sharedTexts.set(text, text);
    return text;
  }
}
