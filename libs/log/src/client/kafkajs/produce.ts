import { createRequire } from 'node:module';
import { Codec, pack } from '../../compression/compression.js';
import { encodeRecords } from '../../protocol/encode-records.js';
import { makeBatch, withCodec } from '../../protocol/record-batch.js';
import { Writer } from '../../protocol/writer.js';
import type { LogHeader } from '../record/record.js';

/*
 * Produce (key 0), versions 3 to 7, the ones that kafkajs sends. kafkajs keeps the headers of a record in an object, which
 * cannot represent null values, repeated names between others, or their order. Requests whose messages are
 * {@link ProduceMessage}s are therefore encoded here.
 *
 *   transactionalId nullable string · acks int16 · timeout int32 · (topic string · (partition int32 · records bytes)*)*
 */
const MIN_VERSION = 3;
const TRANSACTIONAL = 0x10;
const [MIN_INT64, MAX_INT64] = [-(2n ** 63n), 2n ** 63n - 1n];

/** A record that kafkajs passes on to the request unchanged, and that {@link encode} writes. */
export class ProduceMessage {
  constructor(
    readonly key: Buffer | null,
    readonly value: Buffer | null,
    readonly headers: readonly LogHeader[],
    /** Milliseconds. */
    readonly timestampMs: number,
    /** -1 until a partition is chosen. */
    public partition: number,
  ) {}
}

/**
 * The messages of a topic in one request. To group messages by partition, kafkajs copies the list of a partition for each
 * message of it; this list groups in linear time.
 */
export class ProduceMessages extends Array<ProduceMessage> {
  /** kafkajs calls it for this only: `group` adds one message to groups. The partitioner sets its partition if it has none. */
  override reduce<T>(group: unknown, initial?: T): T {
    const addTo = group as (groups: Groups, message: ProduceMessage) => Groups;
    const groups = (initial ?? {}) as Groups;
    for (const message of this) {
      if (message.partition < 0) addTo({}, message);
      (groups[message.partition] ??= []).push(message);
    }
    return groups as T;
  }
}

type Groups = Record<string, ProduceMessage[]>;

interface ProduceOptions {
  readonly transactionalId?: string | null;
  readonly acks: number;
  readonly timeout: number;
  readonly compression?: number;
  readonly producerId?: { toString(): string };
  readonly producerEpoch?: number;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly PartitionData[];
  }[];
}

interface PartitionData {
  readonly partition: number;
  readonly firstSequence?: number;
  readonly messages: readonly unknown[];
}

interface ProduceProtocol {
  readonly request: { encode(): Promise<{ buf: Buffer; buffer: Buffer }> };
  readonly response: unknown;
}

interface ProduceApi {
  protocol(of: { readonly version: number }): (options: ProduceOptions) => ProduceProtocol;
}

const require = createRequire(import.meta.url);
const produceApi = require('kafkajs/src/protocol/requests/produce/index.js') as ProduceApi;
const originalProtocol = produceApi.protocol.bind(produceApi);

produceApi.protocol = ({ version }) => {
  const original = originalProtocol({ version });
  return (options) => {
    const protocol = original(options);
    const [first] = options.topicData[0]?.partitions[0]?.messages ?? [];
    if (version < MIN_VERSION || !(first instanceof ProduceMessage)) return protocol;
    return { ...protocol, request: { ...protocol.request, encode: async () => encode(options) } };
  };
};

function encode(options: ProduceOptions): { buf: Buffer; buffer: Buffer } {
  const writer = new Writer();
  writer.nullableString(options.transactionalId ?? null);
  writer.int16(options.acks);
  writer.int32(options.timeout);
  writer.arrayLength(options.topicData.length);
  for (const { topic, partitions } of options.topicData) {
    writer.string(topic);
    writer.arrayLength(partitions.length);
    for (const data of partitions) {
      writer.int32(data.partition);
      writer.nullableBytes(encodeBatch(data, options));
    }
  }
  const buffer = Buffer.concat(writer.finish());
  return { buf: buffer, buffer };
}

function encodeBatch({ messages, firstSequence = -1 }: PartitionData, options: ProduceOptions): Buffer {
  const { compression = 0, producerId = -1, producerEpoch = -1, transactionalId } = options;
  const records = messages as readonly ProduceMessage[];
  const timestamps = records.map(({ timestampMs }) => toInt64(timestampMs));
  const baseTimestamp = timestamps[0] ?? 0n;
  const maxTimestamp = timestamps.reduce((max, each) => (each > max ? each : max), baseTimestamp);
  const encoded = encodeRecords(
    records.map(({ key, value, headers }, index) => ({
      key,
      value,
      headers,
      timestampDelta: BigInt.asIntN(64, timestamps[index]! - baseTimestamp),
    })),
  );
  const { codec, packed } = packIfSmaller(compression, encoded);
  return makeBatch(
    {
      baseOffset: 0n,
      lastOffsetDelta: records.length - 1,
      attributes: withCodec(transactionalId ? TRANSACTIONAL : 0, codec),
      baseTimestamp,
      maxTimestamp,
      producerId: BigInt(producerId.toString()),
      producerEpoch,
      baseSequence: firstSequence,
      count: records.length,
    },
    packed,
  );
}

/** A batch that compression makes larger is sent uncompressed: it may be as large as the topic accepts. */
function packIfSmaller(compression: number, records: Buffer): { codec: number; packed: Buffer } {
  const compressed = pack(compression, records);
  return compressed.packed.length < records.length ? compressed : { codec: Codec.NONE, packed: records };
}

/** Rounds towards zero, and limits the timestamp to the range of the protocol. */
function toInt64(timestampMs: number): bigint {
  const value = BigInt(Math.trunc(timestampMs));
  if (value > MAX_INT64) return MAX_INT64;
  return value < MIN_INT64 ? MIN_INT64 : value;
}
