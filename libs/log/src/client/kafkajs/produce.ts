import { createRequire } from 'node:module';
import { Codec, pack } from '../../compression/compression.js';
import { encodeRecords } from '../../protocol/encode-records.js';
import { makeBatch, withCodec } from '../../protocol/record-batch.js';
import { Writer } from '../../protocol/writer.js';
import type { LogHeader } from '../record/record.js';

/*
 * Produce (key 0), versions 3 to 7, as kafkajs sends it. kafkajs keeps the headers of a record in an object, which has
 * no place for a null, for repeated names between others, or for their order; so requests of messages made by
 * {@link toKafkajsMessage} are written here instead.
 *
 *   transactionalId nullable string · acks int16 · timeout int32 · (topic string · (partition int32 · records bytes)*)*
 */
const MIN_VERSION = 3;
const TRANSACTIONAL = 0x10;
const [MIN_INT64, MAX_INT64] = [-(2n ** 63n), 2n ** 63n - 1n];

/** A record as it is to lie in the log. */
export interface OutgoingMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
  readonly timestamp: string;
  /** Where not given, chosen by key once the topic's layout is known. */
  partition?: number;
}

/** A message that passes through kafkajs to the request, with headers that only this module reads. */
interface ExactMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
  readonly partition?: number;
  readonly exactHeaders: readonly LogHeader[];
}

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
  readonly messages: readonly (ExactMessage | { readonly exactHeaders?: undefined })[];
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
    const made = original(options);
    if (
      version < MIN_VERSION ||
      options.topicData[0]?.partitions[0]?.messages[0]?.exactHeaders === undefined
    ) {
      return made;
    }
    return { ...made, request: { ...made.request, encode: async () => encode(options) } };
  };
};

/** A message for kafkajs that is sent with its headers as they are. */
export function toKafkajsMessage({ headers, ...message }: OutgoingMessage): ExactMessage {
  return { ...message, exactHeaders: headers };
}

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
  const exact = messages as readonly ExactMessage[];
  const timestamps = exact.map(({ timestamp }) => toInt64(timestamp));
  const baseTimestamp = timestamps[0] ?? 0n;
  const maxTimestamp = timestamps.reduce((max, each) => (each > max ? each : max), baseTimestamp);
  const records = encodeRecords(
    exact.map(({ key, value, exactHeaders }, index) => ({
      key,
      value,
      headers: exactHeaders,
      timestampDelta: BigInt.asIntN(64, timestamps[index]! - baseTimestamp),
    })),
  );
  const { codec, packed } = packIfSmaller(compression, records);
  return makeBatch(
    {
      baseOffset: 0n,
      lastOffsetDelta: exact.length - 1,
      attributes: withCodec(transactionalId ? TRANSACTIONAL : 0, codec),
      baseTimestamp,
      maxTimestamp,
      producerId: BigInt(producerId.toString()),
      producerEpoch,
      baseSequence: firstSequence,
      count: exact.length,
    },
    packed,
  );
}

/** What compression makes larger goes as it is: it may be as large as the topic accepts. */
function packIfSmaller(compression: number, records: Buffer): { codec: number; packed: Buffer } {
  const compressed = pack(compression, records);
  return compressed.packed.length < records.length ? compressed : { codec: Codec.NONE, packed: records };
}

/** A record's timestamp may be any 64-bit number, of which a JavaScript number may be the one next to it. */
function toInt64(timestamp: string): bigint {
  const value = BigInt(Math.trunc(Number(timestamp)));
  if (value > MAX_INT64) return MAX_INT64;
  return value < MIN_INT64 ? MIN_INT64 : value;
}
