import {
  createAdmin,
  type Admin,
  type DeadLetterQueue,
  type Producer,
  type RangeReader,
} from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import {
  ADMIN,
  createHttpApp,
  DEAD_LETTER_QUEUE,
  HealthChecks,
  HealthModule,
  LoggingModule,
  LogModule,
  LogTopics,
  PRODUCER,
  RANGE_READER,
  type LogModuleOptions,
} from '@hailstream/nest';
import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import { Module, type DynamicModule } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const logger = createLogger({ name: 'test', level: 'silent' });
const CARS = { name: 'test.cars', partitions: 2 };

@Module({})
class TestModule {
  static forRoot(options: LogModuleOptions): DynamicModule {
    return {
      module: TestModule,
      imports: [LoggingModule.forRoot(logger), HealthModule, LogModule.forRoot(options)],
    };
  }
}

describe(LogModule, () => {
  let broker: TestBroker;
  let app: NestFastifyApplication | undefined;

  beforeEach(async () => {
    broker = await startTestBroker();
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await broker.stop();
  });

  async function start(options: Partial<LogModuleOptions>): Promise<NestFastifyApplication> {
    const connection = { brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' };
    const module = TestModule.forRoot({ connection, topicPolicy: { missing: 'create' }, ...options });
    app = await createHttpApp(module, { logger, auth: { kind: 'open' } });
    await app.init();
    return app;
  }

  it('creates the topics and appends to them', async () => {
    const started = await start({ topics: [CARS], producer: {} });
    await until(() => started.get(LogTopics).ready);
    const producer = started.get<Producer>(PRODUCER);
    const results = await producer.send([{ topic: CARS.name, key: 'k', value: Buffer.from('a') }]);
    expect(results).toMatchObject([{ kind: 'appended' }]);
    const readiness = await started.get(HealthChecks).readiness();
    expect(readiness).toEqual({ status: 'ok', checks: { topics: { status: 'ok' }, log: { status: 'ok' } } });
  });

  it('is not ready while the log is unreachable, with the reason, and then creates the topics', async () => {
    await broker.kill();
    const checks = (await start({ topics: [CARS] })).get(HealthChecks);
    expect(await checks.readiness()).toMatchObject({
      status: 'error',
      checks: { topics: { status: 'error' }, log: { reason: 'no broker is reachable' } },
    });
    await broker.restart();
    await until(async () => (await checks.readiness()).status === 'ok');
    const connection = { brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' };
    await using admin = createAdmin({ connection, logger });
    expect((await admin.offsets(CARS.name)).size).toBe(CARS.partitions);
  });

  it('is not ready while topics that are only checked are missing', async () => {
    const checks = (await start({ topics: [CARS], topicPolicy: { missing: 'check' } })).get(HealthChecks);
    await until(async () => /test\.cars/.test(JSON.stringify((await checks.readiness()).checks['topics'])));
    expect((await checks.readiness()).status).toBe('error');
  });

  it('provides the clients whose options are set, and closes them with the app', async () => {
    const started = await start({
      topics: [CARS],
      producer: {},
      rangeReader: {},
      deadLetterQueue: { topic: CARS.name },
    });
    await until(() => started.get(LogTopics).ready);
    const admin = started.get<Admin>(ADMIN);
    const producer = started.get<Producer>(PRODUCER);
    const reader = started.get<RangeReader>(RANGE_READER);
    const queue = started.get<DeadLetterQueue>(DEAD_LETTER_QUEUE);
    const car = { topic: CARS.name, key: 'k', value: Buffer.from('a') };
    const letter = {
      kind: 'record',
      topic: 'test.trips',
      partition: 0,
      record: { offset: 7n, key: null, value: Buffer.from('b'), headers: {}, timestampMs: 0 },
      groupId: 'test',
      attempts: 1,
      reason: new Error('not a trip'),
    } as const;
    await producer.send([car]);
    await queue.write([letter]);
    const ranges = [{ topic: CARS.name, from: 'earliest', to: 'latest' } as const];
    const values: string[] = [];
    for await (const { records } of await reader.readRange({ ranges }))
      values.push(...records.map(({ value }) => String(value)));
    expect(values.toSorted()).toEqual(['a', 'b']);

    await started.close();
    app = undefined;
    const closed = { code: 'CLOSED' };
    await expect(producer.send([car])).rejects.toMatchObject(closed);
    await expect(queue.write([letter])).rejects.toMatchObject({ cause: closed });
    await expect(reader.readRange({ ranges })).rejects.toMatchObject(closed);
    await expect(admin.offsets(CARS.name)).rejects.toMatchObject(closed);
  });

  it('provides the admin alone if an app sets no other option', async () => {
    const started = await start({});
    expect(started.get(ADMIN)).toBeDefined();
    for (const token of [PRODUCER, RANGE_READER, DEAD_LETTER_QUEUE, LogTopics])
      expect(() => started.get<unknown>(token)).toThrow('Nest could not find');
    expect(await started.get(HealthChecks).readiness()).toEqual({ status: 'ok', checks: {} });
  });

  it('closes while it waits for the log', async () => {
    await broker.kill();
    const started = await start({ topics: [CARS], producer: {} });
    app = undefined;
    await expect(started.close()).resolves.toBeUndefined();
    await broker.restart();
  });
});
