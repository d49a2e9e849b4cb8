import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { pino } from 'pino';
import { startBroker, type Broker, type BrokerOptions } from './broker/index.js';
import { ErrorCode } from './protocol/error-codes.js';
import { BATCH_HEADER_BYTES, batchBaseOffset, batchSizeBytes, sealBatch } from './protocol/record-batch.js';
import { partitionName } from './protocol/topic-partition.js';

const FIRST_SEGMENT = `${'0'.repeat(20)}.log`;

/** A broker for one test, with a free port and a temporary data directory that is removed with it. */
export type TestBroker = Broker & {
  readonly dataDir: string;
  /** Stops the broker as SIGKILL would, and starts it again with the same data directory and port. */
  restart(): Promise<void>;
};

/** `dataDir`: an existing folder, which is not removed. */
export type TestBrokerOptions = Partial<Omit<BrokerOptions, 'port'>>;

/** Starts a broker for one test. `await using` stops it and removes its folder. */
export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const dataDir = options.dataDir ?? (await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-broker-')));
  const settings: BrokerOptions = { logger: pino({ level: 'silent' }), ...options, dataDir };
  let broker = await startBroker({ ...settings, port: 0 });
  const { address, port } = broker;
  const stop = async () => {
    await broker.stop();
    if (options.dataDir === undefined) await fs.rm(dataDir, { recursive: true, force: true });
  };
  return {
    dataDir,
    address,
    port,
    get metricsUrl() {
      return broker.metricsUrl;
    },
    inject: (fault) => broker.inject(fault),
    clearFaults: () => broker.clearFaults(),
    kill: () => broker.kill(),
    stop,
    async restart() {
      await broker.kill();
      broker = await startBroker({ ...settings, port });
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Appends a transaction with records to a partition, and ends it. */
export async function appendTransaction(
  { address }: Pick<Broker, 'address'>,
  {
    topic,
    partition = 0,
    values,
    outcome,
  }: {
    readonly topic: string;
    readonly partition?: number;
    readonly values: readonly string[];
    readonly outcome: 'commit' | 'abort';
  },
): Promise<void> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: randomUUID(),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages: values.map((value) => ({ partition, value })) });
  await transaction[outcome]();
  await producer.disconnect();
}

/** Deletes the records of a partition before an offset, as DeleteRecords does. */
export async function deleteRecords(
  broker: Pick<Broker, 'address'>,
  {
    topic,
    partition = 0,
    offset,
  }: { readonly topic: string; readonly partition?: number; readonly offset: bigint },
): Promise<void> {
  await withAdmin(broker, async (admin) => {
    // kafkajs knows the leaders only of topics that it has looked up.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
  });
}

/** Removes all members of a consumer group, as the broker does once their sessions have expired. */
export async function removeMembers(broker: Pick<Broker, 'address'>, groupId: string): Promise<void> {
  await withAdmin(broker, async (admin) => {
    const { groups } = await admin.describeGroups([groupId]);
    for (const { memberId } of groups[0]?.members ?? []) await leaveGroup(broker, { groupId, memberId });
  });
}

/** Sends LeaveGroup, version 0: any connection may send it for any member. */
async function leaveGroup(
  { address }: Pick<Broker, 'address'>,
  member: { readonly groupId: string; readonly memberId: string },
): Promise<void> {
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    return Buffer.concat([int16(bytes.length), bytes]);
  };
  const [apiKey, version, correlationId] = [int16(13), int16(0), Buffer.alloc(4)];
  const header = Buffer.concat([apiKey, version, correlationId, text('testing')]);
  const request = Buffer.concat([header, text(member.groupId), text(member.memberId)]);
  const sizeBytes = Buffer.alloc(4);
  sizeBytes.writeInt32BE(request.length);
  const [host, port] = address.split(':');
  const socket = net.connect(Number(port), host);
  socket.end(Buffer.concat([sizeBytes, request]));
  const response = await buffer(socket);
  const errorCode = response.readInt16BE(8);
  if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.UNKNOWN_MEMBER_ID)
    throw new Error(`LeaveGroup: error ${errorCode}`);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export async function deleteTopic(broker: Pick<Broker, 'address'>, topic: string): Promise<void> {
  await withAdmin(broker, (admin) => admin.deleteTopics({ topics: [topic] }));
}

/** Sets the number of partitions of a topic, which only grows. */
export async function createPartitions(
  broker: Pick<Broker, 'address'>,
  topic: string,
  count: number,
): Promise<void> {
  await withAdmin(broker, (admin) =>
    admin.createPartitions({ topicPartitions: [{ topic, count }] }).then(() => {}),
  );
}

async function withAdmin(
  { address }: Pick<Broker, 'address'>,
  use: (admin: Admin) => Promise<void>,
): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/**
 * Replaces the records of a batch in the log by invalid bytes, as a broker without validation would have accepted
 * them from a faulty producer. The broker is killed and restarted. The batch must be in the first segment.
 */
export async function spoilBatch(
  broker: TestBroker,
  {
    topic,
    partition,
    offset,
  }: { readonly topic: string; readonly partition: number; readonly offset: bigint },
): Promise<void> {
  await broker.kill();
  const file = path.join(broker.dataDir, partitionName(topic, partition), FIRST_SEGMENT);
  const log = await fs.readFile(file);
  let at = 0;
  while (batchBaseOffset(log, at) < offset) at += batchSizeBytes(log, at);
  const batch = log.subarray(at, at + batchSizeBytes(log, at));
  batch.fill(0xff, BATCH_HEADER_BYTES);
  sealBatch(batch);
  await fs.writeFile(file, log);
  await broker.restart();
}
