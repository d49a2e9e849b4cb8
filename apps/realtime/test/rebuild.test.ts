import { eventRegistry, telemetryFamily } from '@hailstream/events';
import {
  createAdmin,
  createBatchConsumer,
  createRangeReader,
  LogError,
  type BatchConsumer,
  type OffsetPolicy,
  type RangeRead,
  type RangeReader,
  type RangeRequest,
} from '@hailstream/log';
import { deleteTopic, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { HealthChecks, LogConsumerMetrics, ProblemError } from '@hailstream/nest';
import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent } from '../src/fold/city-state.js';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { FeedsService } from '../src/feeds/feeds.service.js';
import { FoldService } from '../src/log/fold.service.js';
import { KeyframesService } from '../src/keyframes/keyframes.service.js';
import { LogIndex } from '../src/log/log-index.js';
import { LogPositions } from '../src/log/positions.js';
import { KeyframeMetrics } from '../src/metrics/keyframe-metrics.service.js';
import { ZoneBook } from '../src/geofences/zone-book.js';
import { RealtimeMetrics } from '../src/metrics/realtime-metrics.service.js';
import { RebuildService } from '../src/rebuild/rebuild.service.js';
import { append, createTopics } from './_util.js';

const HOUR_MS = 3_600_000;
const logger = pino({ level: 'silent' });

/** A rebuild of the last hour without the app around it, and a consumer that continues as the app's does. */
function setUp(broker: TestBroker, wrap: (reader: RangeReader) => RangeReader = (reader) => reader) {
  const connection = { brokers: [broker.address], clientId: 'test' };
  const registry = new Registry();
  const city = new CityState();
  const positions = new LogPositions();
  const index = new LogIndex();
  const zones = new ZoneBook(city);
  const metrics = new RealtimeMetrics(registry, city);
  const feeds = new FeedsService({ bbox: { west: 7.4, south: 43.7, east: 7.5, north: 43.8 } });
  const fold = new FoldService(
    city,
    positions,
    index,
    zones,
    feeds,
    metrics,
    new LogConsumerMetrics(registry),
    logger,
  );
  const admin = createAdmin({ connection, logger });
  const reader = createRangeReader({ connection, logger });
  const health = new HealthChecks();
  const options = { folder: null, maxBytes: 0, everyMs: HOUR_MS, readBackMs: 0 };
  const keyframeMetrics = new KeyframeMetrics(registry);
  const keyframes = new KeyframesService(
    options,
    admin,
    city,
    positions,
    index,
    zones,
    keyframeMetrics,
    logger,
  );
  const rebuild = new RebuildService(
    admin,
    wrap(reader),
    HOUR_MS,
    logger,
    positions,
    city,
    feeds,
    fold,
    keyframes,
    metrics,
    health,
  );
  const consumers: BatchConsumer[] = [];
  return {
    rebuild,
    city,
    admin,
    health,
    registry,
    /** Reads on where a rebuild ended, until the setup is disposed. */
    async follow(offsets: OffsetPolicy) {
      const consumer = createBatchConsumer({
        connection,
        logger,
        groupId: 'rebuild',
        topics: eventRegistry.topics.map(({ name }) => name),
        offsets,
        handler: async (batch) => fold.fold(batch),
      });
      consumers.push(consumer);
      rebuild.follow(consumer);
      await consumer.start();
    },
    async [Symbol.asyncDispose]() {
      await rebuild.onModuleDestroy();
      await keyframes.onModuleDestroy();
      for (const each of [...consumers, reader, admin]) await each[Symbol.asyncDispose]();
      fold.onModuleDestroy();
    },
  };
}

function points(count: number, first = 1): CityEvent[] {
  const timestamp = Date.now();
  return Array.from({ length: count }, (_, n) => telemetry({ device_id: id(first + n), timestamp }));
}

/** Fails the first read after its first batch, as a lost connection does, and notes all requests. */
function failOnce(reader: RangeReader, error: Error, requests: RangeRequest[]): RangeReader {
  return {
    async readRange(request) {
      requests.push(request);
      const read = await reader.readRange(request);
      return requests.length > 1 ? read : { ...read, [Symbol.asyncIterator]: () => oneBatch(read, error) };
    },
    [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
  };
}

async function* oneBatch(read: RangeRead, error: Error): ReturnType<RangeRead[typeof Symbol.asyncIterator]> {
  for await (const batch of read) {
    yield batch;
    throw error;
  }
}

describe('RebuildService.begin', () => {
  it('folds what was received in the last hour, and continues where each partition ended', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(20, 100), Date.now() - 2 * HOUR_MS);
    await append(broker.address, points(30));
    await using setup = setUp(broker);
    const policy = await setup.rebuild.begin();
    expect(setup.city.devicesSeen).toBe(30);
    const topic = telemetryFamily.topic.name;
    for (const [partition, { latest }] of await setup.admin.offsets(topic)) {
      const position = policy?.kind === 'everything-since' && policy.position?.(topic, partition);
      expect([partition, position]).toEqual([partition, latest]);
    }
  });

  it('creates the topics of an empty log', async () => {
    await using broker = await startTestBroker();
    await using setup = setUp(broker);
    await setup.rebuild.begin();
    expect([...(await setup.admin.identities([telemetryFamily.topic.name])).keys()]).toEqual([
      telemetryFamily.topic.name,
    ]);
  });

  it('waits for an unreachable log, with the reason in the status', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(3));
    await broker.kill();
    await using setup = setUp(broker);
    const begun = setup.rebuild.begin();
    const reason = await until(
      () => setup.rebuild.status.kind === 'waiting' && /unreachable: (.+)/.exec(setup.rebuild.status.reason),
      { what: 'the reason' },
    );
    expect(reason[1]).toBeTruthy();
    await broker.restart();
    expect(await begun).not.toBe(null);
    expect(setup.city.devicesSeen).toBe(3);
  });

  it('returns null if the service is closed while it waits', async () => {
    await using broker = await startTestBroker();
    await broker.kill();
    await using setup = setUp(broker);
    const begun = setup.rebuild.begin();
    await setup.rebuild.onModuleDestroy();
    expect(await begun).toBe(null);
  });

  it('resumes at its positions after a failed read, folding each record once', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(40));
    const requests: RangeRequest[] = [];
    await using setup = setUp(broker, (reader) =>
      failOnce(reader, new LogError('UNAVAILABLE', 'connection lost', true), requests),
    );
    await setup.rebuild.begin();
    setup.city.advance(Date.now());
    expect(setup.city.summary(null)?.totals).toMatchObject({ devicesSeen: 40, eventsSeen: 40 });
    expect(requests.length).toBe(2);
    expect(requests[1]!.ranges.length).toBeLessThan(telemetryFamily.topic.partitions);
    for (const range of requests[1]!.ranges) expect(range.topic).toBe(telemetryFamily.topic.name);
  });

  it('fails with an error that no retry can repair', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(1));
    const requests: RangeRequest[] = [];
    await using setup = setUp(broker, (reader) => failOnce(reader, new TypeError('a bug'), requests));
    await expect(setup.rebuild.begin()).rejects.toThrow('a bug');
    expect(requests.length).toBe(1);
  });
});

describe('RebuildService', () => {
  it('is complete only once a consumer continues, and then reports its lag', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(5));
    await using setup = setUp(broker);
    const { rebuild, city, health } = setup;
    expect(() => rebuild.requireRebuilt()).toThrow(ProblemError);
    const policy = await rebuild.begin();
    expect(rebuild.isComplete).toBe(false);
    expect(rebuild.status).toMatchObject({ kind: 'rebuilding', percent: 99 });
    expect((await health.readiness()).checks['rebuild']).toMatchObject({
      status: 'error',
      reason: 'rebuilding: read 5 of 5 records',
    });

    await setup.follow(policy!);
    await until(() => rebuild.isComplete, { what: 'the consumer' });
    city.advance(Date.now());
    expect(rebuild.status).toEqual({ kind: 'following' });
    expect(() => rebuild.requireRebuilt()).not.toThrow();
    expect((await health.readiness()).status).toBe('ok');
    await append(broker.address, points(2, 50));
    await until(() => city.devicesSeen === 7, { what: 'the records that follow' });
    await until(() => rebuild.lagRecords === 0n, { what: 'no lag' });
  });

  it('starts over once if the log lost its end, whatever the number of partitions that show it', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(5));
    await using setup = setUp(broker);
    const { rebuild, city } = setup;
    await rebuild.begin();
    const restarts: number[] = [];
    const watching = rebuild.startOverWhenLost(async (whileStopped) => {
      whileStopped();
      restarts.push(city.devicesSeen);
      await rebuild.begin();
    });
    for (const partition of [0, 1]) {
      rebuild.noteLostEnd({
        topic: telemetryFamily.topic.name,
        partition,
        expected: 9n,
        found: 2n,
        cause: 'log-end',
      });
    }
    await until(() => restarts.length > 0 && city.devicesSeen === 5, { what: 'the new state' });
    expect(restarts).toEqual([0]);
    expect(await setup.registry.metrics()).toMatch(/^realtime_logs_lost_total 1$/m);
    await rebuild.onModuleDestroy();
    await watching;
    expect(restarts).toEqual([0]);
  });

  it('starts over if a topic is recreated while it is read', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, points(5));
    let recreate = async (): Promise<void> => {
      recreate = async () => undefined;
      await deleteTopic(broker, telemetryFamily.topic.name);
      await createTopics(broker.address);
      await append(broker.address, points(8, 200));
    };
    await using setup = setUp(broker, (reader) => ({
      async readRange(request) {
        const read = await reader.readRange(request);
        await recreate();
        return read;
      },
      [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
    }));
    const { rebuild, city } = setup;
    expect(await rebuild.begin()).not.toBe(null);
    const watching = rebuild.startOverWhenLost(async (whileStopped) => {
      whileStopped();
      await rebuild.begin();
    });
    await until(() => city.devicesSeen === 8, { what: 'the vehicles of the new topic' });
    await rebuild.onModuleDestroy();
    await watching;
  });
});
