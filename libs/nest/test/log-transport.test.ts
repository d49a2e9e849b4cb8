import { setTimeout as pause } from 'node:timers/promises';
import {
  createAdmin,
  createBatchConsumer,
  createProducer,
  type BatchContext,
  type LogConnection,
  type Producer,
  type RecordBatch,
} from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { connectLog, createHttpApp, LogTransport, type LogTransportOptions } from '@hailstream/nest';
import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import { Controller, Module } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const silent = createLogger({ name: 'test', level: 'silent' });
const CARS = 'test.cars';
const RIDERS = 'test.riders';

/** Batches the handlers received, and the error they throw. */
const handled: { topic: string; values: string[]; hasContext: boolean }[] = [];
let failWith: Error | undefined;

@Controller()
class Handlers {
  @EventPattern<string>(CARS)
  cars(@Payload() batch: RecordBatch, @Ctx() context: BatchContext): Promise<void> {
    return this.note(batch, context);
  }

  @EventPattern<string>(RIDERS)
  riders(@Payload() batch: RecordBatch, @Ctx() context: BatchContext): Promise<void> {
    return this.note(batch, context);
  }

  private async note(batch: RecordBatch, context: BatchContext): Promise<void> {
    if (failWith) throw failWith;
    await context.heartbeat();
    handled.push({
      topic: batch.topic,
      values: batch.records.map(({ value }) => String(value)),
      hasContext: context.signal instanceof AbortSignal,
    });
  }
}

@Module({ controllers: [Handlers] })
class HandlersModule {}

describe(LogTransport, () => {
  let broker: TestBroker;
  let connection: LogConnection;
  let producer: Producer;
  let app: NestFastifyApplication | undefined;

  beforeEach(async () => {
    handled.length = 0;
    failWith = undefined;
    broker = await startTestBroker();
    connection = { brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' };
    await using admin = createAdmin({ connection, logger: silent });
    await admin.ensureTopics([CARS, RIDERS, 'test.dead'].map((name) => ({ name, partitions: 2 })));
    producer = createProducer({ connection, logger: silent });
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await producer[Symbol.asyncDispose]();
    await broker.stop();
  });

  async function start(options: Partial<LogTransportOptions> = {}): Promise<LogTransport> {
    const transport = new LogTransport({
      connection,
      logger: silent,
      groupId: 'test',
      offsets: { kind: 'committed', startAt: 'earliest' },
      retryBackoffMs: 1,
      maxAttempts: 2,
      ...options,
    });
    app = await createHttpApp(HandlersModule, { logger: silent, auth: { kind: 'open' } });
    connectLog(app, transport);
    await app.startAllMicroservices();
    return transport;
  }

  async function append(topic: string, ...values: string[]): Promise<void> {
    const results = await producer.send(
      values.map((value) => ({ topic, key: 'k', value: Buffer.from(value) })),
    );
    expect(results.every(({ kind }) => kind === 'appended')).toBe(true);
  }

  const valuesOf = (topic: string): string[] =>
    handled.filter((entry) => entry.topic === topic).flatMap(({ values }) => values);

  it('passes the batches of each topic to its handler, unchanged and in order', async () => {
    await append(CARS, 'a', 'b', 'c');
    await append(RIDERS, 'x');
    await start();
    await until(() => valuesOf(CARS).length === 3 && valuesOf(RIDERS).length === 1);
    expect(valuesOf(CARS)).toEqual(['a', 'b', 'c']);
    expect(handled.every(({ hasContext }) => hasContext)).toBe(true);
  });

  it('writes a record whose handler throws to the dead-letter topic, with the message of the error', async () => {
    failWith = new Error('this taxi does not exist');
    await append(CARS, 'poison');
    await start({ deadLetterTopic: 'test.dead' });
    const reasons: string[] = [];
    await using consumer = createBatchConsumer({
      connection,
      logger: silent,
      groupId: 'dead',
      topics: ['test.dead'],
      offsets: { kind: 'committed', startAt: 'earliest' },
      handler: ({ records }) => {
        reasons.push(...records.map(({ headers }) => Object.values(headers).join(' ')));
        return Promise.resolve();
      },
    });
    await consumer.start();
    await until(() => reasons.length === 1);
    expect(reasons[0]).toContain('this taxi does not exist');
  });

  it('reports that the consumer has stopped for good, and why', async () => {
    failWith = new Error('this taxi does not exist');
    await append(CARS, 'poison');
    const crashes: Error[] = [];
    await start({ onCrash: (reason) => crashes.push(reason) });
    await until(() => crashes.length > 0);
    expect(crashes).toMatchObject([{ code: 'CONSUMER_CRASHED' }]);
  });

  it('does not reread handled records after a restart of the app', async () => {
    await append(CARS, 'a');
    await start();
    await until(() => valuesOf(CARS).length === 1);
    await app?.close();
    await append(CARS, 'b');
    await start();
    await until(() => valuesOf(CARS).includes('b'));
    expect(valuesOf(CARS)).toEqual(['a', 'b']);
  });

  it('waits for a log that is unreachable at start', async () => {
    await append(CARS, 'a');
    await broker.kill();
    const starting = start();
    await pause(0);
    await broker.restart();
    await starting;
    await until(() => valuesOf(CARS).includes('a'));
  });

  it('resolves where to start when it listens, not before', async () => {
    await append(CARS, 'a', 'b');
    const calls: string[] = [];
    const transport = new LogTransport({
      connection,
      logger: silent,
      groupId: 'test',
      offsets: async () => {
        calls.push('resolved');
        await using admin = createAdmin({ connection, logger: silent });
        return { kind: 'everything-since', timestampMs: (await admin.ping()) ? 0 : Infinity };
      },
    });
    app = await createHttpApp(HandlersModule, { logger: silent, auth: { kind: 'open' } });
    connectLog(app, transport);
    await app.init();
    expect(calls).toEqual([]);
    await app.startAllMicroservices();
    await until(() => valuesOf(CARS).length === 2);
    expect(calls).toEqual(['resolved']);
  });

  it('reads nothing if there is no position to start at, because the app is closing', async () => {
    const consumers: unknown[] = [];
    const transport = await start({
      offsets: () => Promise.resolve(null),
      onConsumer: (consumer) => consumers.push(consumer),
    });
    expect(transport.unwrap()).toBeUndefined();
    expect(consumers).toEqual([]);
  });

  it('resolves the position again on a restart, while no consumer is running', async () => {
    await append(CARS, 'a');
    const events: string[] = [];
    const transport = await start({
      offsets: () => {
        events.push('resolved');
        return Promise.resolve({ kind: 'everything-since', timestampMs: 0 });
      },
    });
    await until(() => valuesOf(CARS).length === 1);
    await transport.restart(() => events.push(`stopped: ${transport.unwrap() === undefined}`));
    await until(() => valuesOf(CARS).length === 2);
    expect(valuesOf(CARS)).toEqual(['a', 'a']);
    expect(events).toEqual(['resolved', 'stopped: true', 'resolved']);
  });

  it('can be closed while it waits for the log', async () => {
    await broker.kill();
    const consumers: unknown[] = [];
    const transport = new LogTransport({
      connection,
      logger: silent,
      groupId: 'test',
      offsets: { kind: 'committed', startAt: 'earliest' },
      onConsumer: (consumer) => consumers.push(consumer),
    });
    transport.addHandler(CARS, () => Promise.resolve(), true);
    const listening = transport.listen(() => undefined);
    await until(() => consumers.length > 0);
    await transport.close();
    await listening;
  });
});
