import { createRequire } from 'node:module';
import { BatchEncoder } from '../../protocol/batch-encoder.js';
import { PRODUCE } from '../../protocol/produce.js';
import { Writer } from '../../protocol/writer.js';
import type { LogHeader } from '../record/record.js';

/*
 * Produce (key 0), versions 3 to 7, the ones that kafkajs sends. kafkajs keeps the headers of a record in an object, which
 * cannot represent null values, repeated names between others, or their order. Requests whose messages are
 * {@link ProduceMessage}s are therefore encoded here. The responses are decoded by kafkajs.
 */
const MIN_VERSION = 3;

/** A record that kafkajs passes on to the request unchanged, and that {@link encode} writes. */
export class ProduceMessage {
  constructor(
    readonly key: Buffer | null,
    readonly value: Buffer | null,
    readonly headers: readonly LogHeader[],
    /** Milliseconds. */
    readonly timestampMs: number,
    /** -1 until it is chosen; before the message is sent. */
    public partition: number,
  ) {}
}

/**
 * The messages of a topic in one request, which have their partitions. To group messages by partition, kafkajs copies the list
 * of a partition for each message of it; this list groups in linear time.
 */
export class ProduceMessages extends Array<ProduceMessage> {
  /** kafkajs calls it only to group the messages. */
  override reduce<T>(): T {
    const groups: Groups = {};
    for (const message of this) (groups[message.partition] ??= []).push(message);
    return groups as T;
  }
}

type Groups = Record<string, ProduceMessage[]>;

interface ProduceOptions {
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
    return { ...protocol, request: { ...protocol.request, encode: async () => encode(options, version) } };
  };
};

function encode(options: ProduceOptions, version: number): { buf: Buffer; buffer: Buffer } {
  const writer = new Writer(false, version);
  PRODUCE.request.write(writer, {
    transactionalId: null,
    acks: options.acks,
    timeoutMs: options.timeout,
    topics: options.topicData.map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map((data) => ({
        index: data.partition,
        records: [encodeBatch(data, options)],
      })),
    })),
  });
  const buffer = Buffer.concat(writer.finish());
  return { buf: buffer, buffer };
}

function encodeBatch({ messages, firstSequence = -1 }: PartitionData, options: ProduceOptions): Buffer {
  const { compression = 0, producerId = -1, producerEpoch = -1 } = options;
  const encoder = new BatchEncoder();
  for (const message of messages as readonly ProduceMessage[]) encoder.add(message);
  const producer = { producerId: BigInt(producerId.toString()), producerEpoch, baseSequence: firstSequence };
  return encoder.finish({ ...producer, attributes: 0 }, compression);
}
