import type { RangeReader } from '@hailstream/log';
import { decodeRecord } from '../log/decode.js';
import type { Chunk } from '../log/log-index.js';
import type { UnreadableRecords } from '../log/unreadable-records.js';
import type { ReadChunks } from './moment.js';

/** Chunks of a partition that are at most this many offsets apart are read together, with what lies between. */
const MAX_GAP_OFFSETS = 1_024;

/** Maximum number of ranges of one partition that are read at once. */
const MAX_READS = 4;

/** Bytes that are fetched from a partition at once: about those of the range, so that few records after it are fetched. */
const BYTES_PER_OFFSET = 512;
const MIN_FETCH_BYTES = 65_536;
const MAX_FETCH_BYTES = 1_048_576;

interface ReadOptions {
  readonly reader: RangeReader;
  /** Ids of the topics, so that no other log is read by mistake. */
  readonly topicIds: Readonly<Record<string, string>>;
  /** Called after each batch, with the number of its offsets. */
  readonly onBatch?: (offsets: number) => void;
  /** Whether a record with this key is read. @default every record is */
  readonly accepts?: (key: Buffer | null) => boolean;
  /** Counts what cannot be read. */
  readonly unreadable: UnreadableRecords;
  /** Whether offsets that are missing are counted, too. @default the read fails */
  readonly skipsGaps?: boolean;
  readonly signal?: AbortSignal;
}

/** Reads chunks with `readRange`. Damaged batches and records that are not events are counted and skipped, as the fold skips them. */
export function createReadChunks({
  reader,
  topicIds,
  onBatch,
  accepts = () => true,
  unreadable,
  skipsGaps = false,
  ...options
}: ReadOptions): ReadChunks {
  return async (chunks, use) => {
    const rounds = toRounds(toRanges(chunks));
    const readRound = async (ranges: readonly PartitionRange[]): Promise<void> => {
      const read = await reader.readRange({
        ranges: ranges.map((range) => ({ ...range, topicId: topicIds[range.topic]! })),
        maxPartitionBytes: fetchBytes(ranges),
        ...(skipsGaps && { onGap: (gap) => unreadable.addGap(gap) }),
        onUndecodable: (batch) => unreadable.addBatch(batch),
        ...options,
      });
      for await (const { topic, partition, records, from, nextOffset } of read) {
        for (const { offset, key, value, timestampMs } of records) {
          if (!accepts(key)) continue;
          const input = decodeRecord(topic, value);
          if (input === null) unreadable.addRecord({ topic, partition }, offset);
          else use({ input, receivedAt: timestampMs });
        }
        onBatch?.(Number(nextOffset - from));
      }
    };
    for (let at = 0; at < rounds.length; at += MAX_READS) {
      await Promise.all(rounds.slice(at, at + MAX_READS).map(readRound));
    }
  };
}

function fetchBytes(ranges: readonly { readonly from: bigint; readonly to: bigint }[]): number {
  const offsets = ranges.reduce((most, { from, to }) => Math.max(most, Number(to - from)), 0);
  return Math.min(Math.max(offsets * BYTES_PER_OFFSET, MIN_FETCH_BYTES), MAX_FETCH_BYTES);
}

interface Range {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** A range as `readRange` expects it. */
interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** Joins chunks that are close to each other. */
function toRanges(chunks: readonly Chunk[]): Range[] {
  const sorted = chunks.toSorted((a, b) => {
    return a.topic === b.topic
      ? a.partition - b.partition || a.from - b.from
      : Number(a.topic > b.topic) - Number(a.topic < b.topic);
  });
  const ranges: Range[] = [];
  for (const chunk of sorted) {
    const last = ranges.at(-1);
    const isNext = last?.topic === chunk.topic && last.partition === chunk.partition;
    if (last !== undefined && isNext && chunk.from - last.to <= MAX_GAP_OFFSETS) {
      ranges[ranges.length - 1] = { ...last, to: Math.max(last.to, chunk.to) };
    } else {
      ranges.push(chunk);
    }
  }
  return ranges;
}

/** Distributes ranges so that no round has two of the same partition, which one read cannot have. */
function toRounds(ranges: readonly Range[]): PartitionRange[][] {
  const rounds: PartitionRange[][] = [];
  const counts = new Map<string, number>();
  for (const { topic, partition, from, to } of ranges) {
    const name = `${topic}-${partition}`;
    const round = counts.get(name) ?? 0;
    counts.set(name, round + 1);
    (rounds[round] ??= []).push({ topic, partition, from: BigInt(from), to: BigInt(to) });
  }
  return rounds;
}
