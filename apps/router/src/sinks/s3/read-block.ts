import {
  isRedrivenForAnother,
  type ConsumerGap,
  type LogRecord,
  type RangeReader,
  type UndecodableBatch,
} from '@hailstream/log';
import type { Event } from '../../router-file/filter.js';
import { parseEvent } from '../event.js';
import { BlockBoundary, type BlockLimits } from './block-boundary.js';
import type { BlockRecord } from './formats/object-format.js';

/** A record that cannot be stored, with the reason. */
interface UnreadableRecord {
  readonly record: LogRecord;
  readonly reason: Error;
}

/** Records of the log from an offset to the end of a block. */
export interface BlockContent {
  /** Offset after the block. */
  readonly to: bigint;
  /** Whether the block can grow no further. If not, it ends at the end of the log for now. */
  readonly isComplete: boolean;
  /** Latest end time of an incomplete block, in milliseconds; `undefined` if it has no record. */
  readonly intervalEndMs: number | undefined;
  /** Records that the log has in the block. */
  readonly read: number;
  readonly filtered: number;
  /** Records that were passed to {@link ReadBlockOptions.onRecord}. */
  readonly selected: number;
  readonly unreadable: readonly UnreadableRecord[];
  readonly undecodable: readonly UndecodableBatch[];
  /** Offsets that were deleted from the log. */
  readonly gaps: readonly ConsumerGap[];
}

export interface ReadBlockOptions {
  readonly reader: RangeReader;
  /** Records that were redriven for another group are filtered out: they are stored from their original offsets. */
  readonly groupId: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly from: bigint;
  /** Last stable offset of the partition. */
  readonly end: bigint;
  readonly limits: BlockLimits;
  /** End of the block, if it was claimed. */
  readonly to?: bigint;
  /** The time that assigns an event to an hour. @throws Error if the event has none */
  timeOf(event: Event, record: LogRecord): number;
  /** Whether an event is to be stored. */
  matches(event: Event): boolean;
  /** Receives the records to store in the order of the log, with their parsed values. */
  onRecord(record: BlockRecord, event: Event): void;
  readonly signal: AbortSignal;
}

/** Reads a block from the log. */
export async function readBlock(options: ReadBlockOptions): Promise<BlockContent> {
  const { reader, topic, topicId, partition, from, end, limits, to: decidedEnd, signal } = options;
  const boundary = new BlockBoundary(from, limits);
  const readEnd = decidedEnd ?? (boundary.limit < end ? boundary.limit : end);
  const ranges = [{ topic, topicId, partition, from, to: readEnd }];
  const content = new Content(options);
  const undecodable: UndecodableBatch[] = [];
  const gaps: ConsumerGap[] = [];
  const request = {
    ranges,
    signal,
    onGap: (gap: ConsumerGap) => void gaps.push(gap),
    onUndecodable: (batch: UndecodableBatch) => void undecodable.push(batch),
  };
  let cut: bigint | undefined;
  reading: for await (const { records } of await reader.readRange(request)) {
    for (const record of records) {
      if (decidedEnd === undefined && !boundary.admits(record)) {
        cut = record.offset;
        break reading;
      }
      content.add(record);
    }
  }
  return {
    ...content.result(),
    undecodable,
    gaps,
    to: cut ?? readEnd,
    isComplete: cut !== undefined || decidedEnd !== undefined || readEnd === boundary.limit,
    intervalEndMs: boundary.intervalEndMs,
  };
}

class Content {
  private readonly unreadable: UnreadableRecord[] = [];
  private read = 0;
  private selected = 0;
  private filtered = 0;

  constructor(
    private readonly options: Pick<ReadBlockOptions, 'groupId' | 'timeOf' | 'matches' | 'onRecord'>,
  ) {}

  add(record: LogRecord): void {
    this.read += 1;
    if (isRedrivenForAnother(record, this.options.groupId)) {
      this.filtered += 1;
      return;
    }
    const readable = this.parse(record);
    if (readable === undefined) return;
    const { event, timeMs, matches } = readable;
    if (!matches) {
      this.filtered += 1;
      return;
    }
    const { offset, timestampMs: receivedMs, value } = record;
    this.options.onRecord({ timeMs, offset, receivedMs, value: value! }, event);
    this.selected += 1;
  }

  result(): Pick<BlockContent, 'read' | 'filtered' | 'selected' | 'unreadable'> {
    const { read, filtered, selected, unreadable } = this;
    return { read, filtered, selected, unreadable };
  }

  /** Returns `undefined` if the record cannot be stored. */
  private parse(record: LogRecord) {
    try {
      const event = parseEvent(record.value);
      const timeMs = this.options.timeOf(event, record);
      return { event, timeMs, matches: this.options.matches(event) };
    } catch (reason) {
      this.unreadable.push({ record, reason: reason as Error });
      return undefined;
    }
  }
}
