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
  type DeliveryResult,
} from '../../src/client/index.js';
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../../src/testing.js';

export const logger = pino({ level: 'silent' });

/** A broker, and clients that are closed with it. */
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

  /** A new topic, so that tests do not share one. */
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

  /** A kafkajs client, for functions that the library does not have. */
  kafkajs(): Kafka {
    return new Kafka({ brokers: [this.address], clientId: 'plain', logLevel: logLevel.NOTHING });
  }

  /** The committed offsets of a group in a topic, by partition. */
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

  /** All records of a topic as `key:value`, each partition in its order. */
  async read(topic: string): Promise<string[]> {
    const found: string[] = [];
    await using reader = createRangeReader({ connection: this.connection, logger });
    const ranges = [{ topic, from: 'earliest', to: 'latest' }] as const;
    for await (const { records } of await reader.readRange({ ranges })) {
      for (const { key, value } of records) found.push(`${key}:${value}`);
    }
    return found;
  }

  /** Call after each test, so that its clients are not affected by the next one. */
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

/** Sends records, and fails the test unless all were appended. */
export async function append(producer: Producer, records: readonly OutgoingRecord[]): Promise<void> {
  const results = await producer.send(records);
  expect(results.filter(({ kind }) => kind === 'failed')).toEqual([]);
}

export function failures(results: readonly DeliveryResult[]): { code: string; retryable: boolean }[] {
  return results.flatMap((result) =>
    result.kind === 'failed' ? [{ code: result.error.code, retryable: result.error.retryable }] : [],
  );
}

/** A port that accepts connections and does not respond. */
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

/** Counts the log lines of a client that contain a text. */
export function countingLogger(text: string): { logger: Logger; count: () => number } {
  let count = 0;
  const write = (line: string) => {
    if (line.includes(text)) count += 1;
  };
  return { logger: pino({ level: 'debug' }, { write }), count: () => count };
}
