import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { pino, type Logger } from 'pino';
import { expect } from 'vitest';
import {
  createAdmin,
  createBatchConsumer,
  createProducer,
  createRangeReader,
  type BatchConsumer,
  type ConsumerOptions,
  type OutgoingRecord,
  type Producer,
  type ProducerOptions,
  type RecordFate,
} from '../../src/client/index.js';
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../../src/testing.js';

export const logger = pino({ level: 'silent' });

/** A broker, and clients of it that end with it. */
export class Bench implements AsyncDisposable {
  private readonly clients: AsyncDisposable[] = [];

  private constructor(
    readonly broker: TestBroker,
    private readonly address: string,
  ) {}

  static async start(options: TestBrokerOptions = {}): Promise<Bench> {
    const broker = await startTestBroker(options);
    return new Bench(broker, broker.address);
  }

  get connection() {
    return { brokers: [this.address], clientId: 'test' };
  }

  /** A topic of its own, so that tests do not meet. */
  async topic(partitions: number, configs: Record<string, string> = {}): Promise<string> {
    const name = `test-${randomUUID()}`;
    await using admin = createAdmin({ connection: this.connection, logger });
    await admin.ensureTopics([{ name, partitions, configs }]);
    return name;
  }

  async removeTopic(topic: string): Promise<void> {
    const admin = this.kafkajs().admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  }

  /** Plain kafkajs, for what the library does not do. */
  kafkajs(): Kafka {
    return new Kafka({ brokers: [this.address], clientId: 'plain', logLevel: logLevel.NOTHING });
  }

  /** What a group has committed in a topic, by partition; nothing where it has committed nothing. */
  async committed(groupId: string, topic: string): Promise<Record<number, string>> {
    const admin = this.kafkajs().admin();
    await admin.connect();
    const offsets = await admin.fetchOffsets({ groupId, topics: [topic] });
    await admin.disconnect();
    const partitions = offsets.flatMap((one) => one.partitions).filter(({ offset }) => Number(offset) >= 0);
    return Object.fromEntries(partitions.map(({ partition, offset }) => [partition, offset]));
  }

  async groups(): Promise<string[]> {
    const admin = this.kafkajs().admin();
    await admin.connect();
    const { groups } = await admin.listGroups();
    await admin.disconnect();
    return groups.map(({ groupId }) => groupId);
  }

  producer(options: Partial<ProducerOptions> = {}): Producer {
    return this.own(createProducer({ connection: this.connection, logger, ...options }));
  }

  consumer(
    options: Omit<ConsumerOptions, 'connection' | 'logger' | 'groupId'> & Partial<ConsumerOptions>,
  ): BatchConsumer {
    return this.own(
      createBatchConsumer({
        connection: this.connection,
        logger,
        groupId: `group-${randomUUID()}`,
        ...options,
      }),
    );
  }

  /** Everything in a topic now, as `key:value`, each partition in its order. */
  async read(topic: string): Promise<string[]> {
    const found: string[] = [];
    await using reader = createRangeReader({ connection: this.connection, logger });
    const ranges = [{ topic, from: 'earliest', to: 'latest' }] as const;
    for await (const { records } of await reader.readRange({ ranges })) {
      for (const { key, value } of records) found.push(`${key}:${value}`);
    }
    return found;
  }

  /** To be called after each test, so that no client of it meets what happens in the next. */
  async reset(): Promise<void> {
    this.broker.clearFaults();
    await Promise.all(this.clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reset();
    await this.broker.stop();
  }

  private own<C extends AsyncDisposable>(client: C): C {
    this.clients.push(client);
    return client;
  }
}

export const record = (topic: string, key: string, value: string): OutgoingRecord => ({
  topic,
  key,
  value: Buffer.from(value),
});

/** Sends, and fails the test where not everything was appended. */
export async function append(producer: Producer, records: readonly OutgoingRecord[]): Promise<void> {
  const fates = await producer.send(records);
  expect(fates.filter(({ kind }) => kind === 'failed')).toEqual([]);
}

export function failures(fates: readonly RecordFate[]): { code: string; retryable: boolean }[] {
  return fates.flatMap((fate) =>
    fate.kind === 'failed' ? [{ code: fate.error.code, retryable: fate.error.retryable }] : [],
  );
}

/** A port where connections are accepted and nothing is ever answered. */
export async function silentServer(port = 0): Promise<{ address: string } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Counts the requests of one API that a client makes, from what kafkajs tells of them. */
export function countingLogger(api: string): { logger: Logger; count: () => number } {
  let count = 0;
  const write = (line: string) => {
    if (line.includes(`"Request ${api}(`)) count += 1;
  };
  return { logger: pino({ level: 'debug' }, { write }), count: () => count };
}
