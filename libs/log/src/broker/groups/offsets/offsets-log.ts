import type { Outcome } from '../../../protocol/markers.js';
import { makeRecordBatch } from '../../../protocol/records.js';
import { readBatchHeader } from '../../../protocol/record-batch.js';
import { Reader } from '../../../protocol/reader.js';
import * as t from '../../../protocol/schema.js';
import { Writer } from '../../../protocol/writer.js';
import type { PartitionLog } from '../../storage/partition/partition-log.js';
import { replayRecords } from '../../storage/partition/replay.js';
import { OFFSETS_TOPIC } from '../../storage/topics/internal-topics.js';

/** The topic has one partition. */
export const OFFSETS_PARTITION = 0;
const TRANSACTIONAL = 0x10;

/*
 * Keys and values have Kafka's formats: OffsetCommitKey 1 and OffsetCommitValue 3 (2 has no leader epoch), GroupMetadataKey 2
 * and GroupMetadataValue 3; each begins with its version as int16.
 */
const OFFSET_KEY_VERSION = 1;
const OFFSET_VALUE_VERSION = 3;
const GROUP_KEY_VERSION = 2;
const GROUP_VALUE_VERSION = 3;

const offsetKey = t.struct({ group: t.string, topic: t.string, partition: t.int32 });
const offsetValue = t.struct({
  offset: t.int64,
  leaderEpoch: t.int32,
  metadata: t.string,
  commitTimestamp: t.int64,
});
const groupKey = t.struct({ group: t.string });
const groupValue = t.struct({
  protocolType: t.string,
  generation: t.int32,
  protocol: t.nullableString,
  leader: t.nullableString,
  currentStateTimestamp: t.int64,
  members: t.array(
    t.struct({
      memberId: t.string,
      groupInstanceId: t.nullableString,
      clientId: t.string,
      clientHost: t.string,
      rebalanceTimeout: t.int32,
      sessionTimeout: t.int32,
      subscription: t.bytes,
      assignment: t.bytes,
    }),
  ),
});

/** A committed offset. */
export interface CommittedOffset {
  readonly offset: bigint;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: bigint;
}

export type GroupValue = t.ValueOf<typeof groupValue>;

/** A record of the topic; a null value removes the key. */
export type OffsetsLogEntry =
  | {
      readonly kind: 'offset';
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly value: CommittedOffset | null;
    }
  | { readonly kind: 'group'; readonly group: string; readonly value: GroupValue | null };

/** The producer of the transaction that offsets are committed in. */
export interface OffsetsProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Appends entries in one batch. Those of a transaction take effect with its commit marker. */
export async function appendEntries(
  log: PartitionLog,
  entries: readonly OffsetsLogEntry[],
  nowMs: number,
  producer?: OffsetsProducer,
): Promise<void> {
  const fields = producer === undefined ? {} : { ...producer, attributes: TRANSACTIONAL };
  const batch = makeRecordBatch(entries.map(encodeEntry), BigInt(nowMs), fields);
  await log.append(batch, readBatchHeader(batch));
}

/** Visitor for the entries of the log, oldest first. */
interface EntryVisitor {
  /** @param transaction producer id of the transaction that the entry belongs to */
  entry(entry: OffsetsLogEntry, transaction: bigint | undefined): void;
  end(producerId: bigint, outcome: Outcome): void;
  /** A record of an unknown type, or a damaged one. */
  unreadable(): void;
}

/** Visits all entries, oldest first. */
export async function replayEntries(log: PartitionLog, visitor: EntryVisitor): Promise<void> {
  await replayRecords(log, ({ header, records, marker }) => {
    if (marker !== undefined) visitor.end(header.producerId, marker.outcome);
    for (const record of records) {
      const entry = readEntry(record);
      if (entry === 'unreadable') visitor.unreadable();
      else if (entry !== undefined)
        visitor.entry(entry, header.transactional ? header.producerId : undefined);
    }
  });
}

function readEntry({
  key,
  value,
}: {
  key: Buffer | null;
  value: Buffer | null;
}): OffsetsLogEntry | 'unreadable' | undefined {
  try {
    return key === null ? undefined : decodeEntry(key, value);
  } catch {
    return 'unreadable';
  }
}

/** Encodes an entry in Kafka's format. */
function encodeEntry(entry: OffsetsLogEntry): { key: Buffer; value: Buffer | null } {
  if (entry.kind === 'offset') {
    const { group, topic, partition, value } = entry;
    return {
      key: encode(OFFSET_KEY_VERSION, offsetKey, { group, topic, partition }),
      value: value === null ? null : encode(OFFSET_VALUE_VERSION, offsetValue, value),
    };
  }
  return {
    key: encode(GROUP_KEY_VERSION, groupKey, { group: entry.group }),
    value: entry.value === null ? null : encode(GROUP_VALUE_VERSION, groupValue, entry.value),
  };
}

/** @returns undefined for an unknown type of record */
function decodeEntry(key: Buffer, value: Buffer | null): OffsetsLogEntry | undefined {
  const keyReader = new Reader(key);
  const version = keyReader.int16();
  if (version <= OFFSET_KEY_VERSION) {
    const { group, topic, partition } = offsetKey.read(keyReader);
    return {
      kind: 'offset',
      group,
      topic,
      partition,
      value: decode(OFFSET_VALUE_VERSION, offsetValue, value),
    };
  }
  if (version !== GROUP_KEY_VERSION) return undefined;
  const { group } = groupKey.read(keyReader);
  return { kind: 'group', group, value: decode(GROUP_VALUE_VERSION, groupValue, value) };
}

function encode<T>(version: number, schema: t.Schema<T>, value: T): Buffer {
  const writer = new Writer();
  writer.int16(version);
  schema.write(writer, value);
  return Buffer.concat(writer.finish());
}

function decode<T>(version: number, schema: t.Schema<T>, bytes: Buffer | null): T | null {
  if (bytes === null) return null;
  const reader = new Reader(bytes);
  const found = reader.int16();
  if (found !== version)
    throw new Error(`unsupported version ${found} of a value in ${OFFSETS_TOPIC}, expected ${version}`);
  return schema.read(reader);
}
