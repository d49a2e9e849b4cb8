import { until } from '@hailstream/service/testing';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAdmin, type Admin } from '../../src/client/index.js';
import { append, Bench, logger, record, silentServer } from './_util.js';

let bench: Bench;
let admin: Admin;

beforeAll(async () => {
  bench = await Bench.start();
  admin = createAdmin({ connection: bench.connection, logger });
});
afterAll(async () => {
  await admin[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

describe('Admin', () => {
  it('sets no timer with a negative delay, which Node 24 prints a warning for', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    try {
      await admin.ensureTopics([{ name: 'timed', partitions: 1 }]);
      expect(timers).toHaveBeenCalled();
      expect(timers.mock.calls.filter(([, delayMs = 0]) => delayMs < 0)).toEqual([]);
    } finally {
      timers.mockRestore();
    }
  });

  it('creates topics once with concurrent callers', async () => {
    const topics = [
      { name: 'raced', partitions: 12 },
      { name: 'raced-too', partitions: 3 },
    ];
    const admins = Array.from({ length: 5 }, () => createAdmin({ connection: bench.connection, logger }));
    await Promise.all(admins.map((one) => one.ensureTopics(topics)));
    await Promise.all(admins.map((one) => one[Symbol.asyncDispose]()));
    expect((await admin.offsets('raced')).size).toBe(12);
    expect((await admin.offsets('raced-too')).size).toBe(3);
  });

  it('keeps a topic with more partitions, and reports one with fewer', async () => {
    await admin.ensureTopics([{ name: 'grown', partitions: 4 }]);
    await admin.ensureTopics([{ name: 'grown', partitions: 2 }]);
    await expect(admin.ensureTopics([{ name: 'grown', partitions: 5 }])).rejects.toMatchObject({
      code: 'TOPIC_MISMATCH',
      retryable: false,
      message: 'topic "grown" has 4 partitions, 5 are required',
    });
  });

  it('creates a topic with configs', async () => {
    const topic = await bench.topic(1, { 'max.message.bytes': '1000' });
    const results = await bench.producer().send([record(topic, 'k', 'x'.repeat(2_000))]);
    expect(results).toMatchObject([{ kind: 'failed', error: { code: 'RECORD_TOO_LARGE' } }]);
  });

  it('refuses invalid configs', async () => {
    const topic = { name: 'odd', partitions: 1, configs: { 'retention.ms': 'soon' } };
    await expect(admin.ensureTopics([topic])).rejects.toMatchObject({ code: 'REFUSED', retryable: false });
  });

  it('returns the earliest and latest offsets and offsets by timestamp', async () => {
    const topic = await bench.topic(2);
    const at = (timestampMs: number) => ({ ...record(topic, 'a', String(timestampMs)), timestampMs });
    const producer = bench.producer();
    const [result] = await producer.send([at(1_000)]);
    await append(producer, [at(2_000), at(3_000)]);
    const partition = result?.kind === 'appended' ? result.partition : -1;
    expect((await admin.offsets(topic)).get(partition)).toEqual({ earliest: 0n, latest: 3n });
    expect((await admin.offsets(topic)).get(1 - partition)).toEqual({ earliest: 0n, latest: 0n });
    const found = [500, 2_000, 2_500, 9_000].map(async (time) =>
      (await admin.offsetsAt(topic, time)).get(partition),
    );
    expect(await Promise.all(found)).toEqual([0n, 1n, 2n, 3n]);
    expect((await admin.offsetsAt(topic, 500)).get(1 - partition)).toBe(0n);
  });

  it('returns the last stable offset', async () => {
    const topic = await bench.topic(1);
    await append(bench.producer(), [record(topic, 'k', 'before')]);
    const producer = bench.kafkajs().producer({ transactionalId: topic, idempotent: true });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: 'open' }] });
    const ends = async (isolation?: 'read_committed' | 'read_uncommitted') =>
      (await admin.offsets(topic, isolation ? { isolation } : {})).get(0)?.latest;
    expect([await ends(), await ends('read_uncommitted'), await ends('read_committed')]).toEqual([
      2n,
      2n,
      1n,
    ]);
    await transaction.abort();
    await producer.disconnect();
    expect([await ends(), await ends('read_committed')]).toEqual([3n, 3n]);
  });

  it('distinguishes a topic from a recreated one with the same name', async () => {
    const [first, second] = [await bench.topic(1), await bench.topic(1)];
    const before = await admin.identities([first, second]);
    const { clusterId, topicId } = before.get(first)!;
    expect(topicId).toMatch(/^[\w-]{22}$/);
    expect(before.get(second)).toEqual({ clusterId, topicId: expect.stringMatching(/^[\w-]{22}$/) });
    expect(before.get(second)?.topicId).not.toBe(topicId);
    await using elsewhere = await Bench.start();
    await using other = createAdmin({ connection: elsewhere.connection, logger });
    await other.ensureTopics([{ name: first, partitions: 1 }]);
    expect((await other.identities([first])).get(first)?.clusterId).not.toBe(clusterId);
    await bench.broker.restart();
    await until(() => admin.ping());
    expect(await admin.identities([first, second])).toEqual(before);
    await bench.removeTopic(first);
    await expect(admin.identities([second, first])).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC',
      retryable: true,
    });
    await admin.ensureTopics([{ name: first, partitions: 1 }]);
    const after = (await admin.identities([first])).get(first);
    expect(after).toEqual({ clusterId, topicId: expect.stringMatching(/^[\w-]{22}$/) });
    expect(after?.topicId).not.toBe(topicId);
  });

  it('does not create a topic by requesting its id', async () => {
    await using making = await Bench.start({ settings: { 'auto.create.topics.enable': 'true' } });
    await using asking = createAdmin({ connection: making.connection, logger });
    await expect(asking.identities(['never'])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' });
    await expect(asking.offsets('never')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' });
  });

  it('names the missing topic', async () => {
    await expect(admin.offsets('missing')).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' });
  });

  it('sends one request at a time, and combines concurrent requests for several topics', async () => {
    const topics = await Promise.all([1, 2, 3, 4].map((partitions) => bench.topic(partitions)));
    let outstanding = 0;
    let mostOutstanding = 0;
    const write = (line: string): void => {
      if (line.includes('"Request ListOffsets(')) outstanding += 1;
      if (line.includes('"Response ListOffsets(')) outstanding -= 1;
      mostOutstanding = Math.max(mostOutstanding, outstanding);
    };
    await using asking = createAdmin({
      connection: bench.connection,
      logger: pino({ level: 'debug' }, { write }),
    });
    const answers = await Promise.all(
      topics.map(async (topic) => [
        (await asking.offsets(topic)).size,
        (await asking.offsetsAt(topic, 0)).size,
      ]),
    );
    expect(answers).toEqual([1, 2, 3, 4].map((partitions) => [partitions, partitions]));
    expect(mostOutstanding).toBe(1);
  });

  it('refuses requests if too many are queued', async () => {
    const topic = await bench.topic(1);
    await using asking = createAdmin({ connection: bench.connection, logger });
    bench.broker.inject({ api: 'ListOffsets', delayMs: 500 });
    const asked = Array.from({ length: 200 }, () => asking.offsets(topic));
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(100);
    expect(refused[0]).toMatchObject({ reason: { code: 'UNAVAILABLE', retryable: true } });
    expect(await asking.ping()).toBe(true);
  });

  it('creates a known topic again after it was deleted', async () => {
    const [gone, other] = [await bench.topic(2), await bench.topic(1)];
    expect((await admin.offsets(gone)).size).toBe(2);
    await bench.removeTopic(gone);
    await expect(admin.offsets(gone)).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC' });
    expect((await admin.offsets(other)).size).toBe(1);
    await admin.ensureTopics([{ name: gone, partitions: 3 }]);
    expect((await admin.offsets(gone)).size).toBe(3);
  });

  it('fails pings while the broker is down, and recovers after an outage', async () => {
    await using own = await Bench.start();
    await using ownAdmin = createAdmin({ connection: own.connection, logger });
    expect(await ownAdmin.ping()).toBe(true);
    await own.broker.kill();
    expect(await ownAdmin.ping()).toBe(false);
    await own.broker.restart();
    await until(() => ownAdmin.ping());
    await ownAdmin.ensureTopics([{ name: 'after', partitions: 1 }]);
  });

  it('times out if the broker does not respond', async () => {
    await using silent = await silentServer();
    await using lost = createAdmin({ connection: { brokers: [silent.address], clientId: 'test' }, logger });
    expect(await lost.ping()).toBe(false);
  });
});
