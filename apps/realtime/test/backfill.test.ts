import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { telemetryFamily } from '@hailstream/events';
import type { RangeReader } from '@hailstream/log';
import {
  appendTransaction,
  deleteRecords,
  spoilBatch,
  startTestBroker,
  type TestBroker,
} from '@hailstream/log/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { BackfillGapError, type BackfillTask } from '../src/backfill/backfill-task.js';
import { Backfill } from '../src/backfill/backfill.js';
import {
  appendAll,
  eventsFrom,
  foldUntil,
  HOUR_MS,
  hoursOfEvents,
  MINUTE_MS,
  OpenedHistory,
  readerOf,
  readLog,
  taskUpToNow,
  viewOf,
  type LoggedEvent,
} from './_backfill.js';
import { createTopics, temporaryFolder } from './_util.js';

const EVENTS = 32_000;
const topic = telemetryFamily.topic.name;

/** A log of three hours. */
async function startLog(now: number): Promise<TestBroker> {
  const broker = await startTestBroker();
  await createTopics(broker.address);
  await appendAll(broker.address, hoursOfEvents({ hours: 3, count: EVENTS, now }));
  return broker;
}

/** Reads until the end, or until a share of what is left is read. Returns whether it was read to the end. */
async function readUpTo(task: BackfillTask, reader: RangeReader, share = 2): Promise<boolean> {
  const stop = new AbortController();
  const backfill = new Backfill({
    task,
    reader,
    onProgress: (done) => {
      if (done >= share) stop.abort();
    },
    onDamaged: () => undefined,
    signal: stop.signal,
  });
  try {
    await backfill.run();
    return true;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return false;
  }
}

/** What a process leaves in the folder that was killed while it wrote. */
async function leaveHalfWritten(folder: string): Promise<void> {
  await appendFile(join(folder, 'journal'), Buffer.alloc(50, 7));
  await writeFile(join(folder, '000000009999.keyframe.tmp'), 'half');
}

async function expectMoments(
  history: OpenedHistory,
  events: readonly LoggedEvent[],
  moments: readonly number[],
): Promise<void> {
  for (const by of ['event', 'received'] as const) {
    for (const at of moments) {
      const expected = viewOf(foldUntil(events, by, at), at);
      expect(await history.viewAt(by, at), `${by}, ${new Date(at).toISOString()}`).toEqual(expected);
    }
  }
}

describe(Backfill, { timeout: 120_000 }, () => {
  const now = Date.now();
  const minutesAgo = (minutes: number): number => now - Math.floor(minutes * MINUTE_MS);
  let broker: TestBroker;
  let reader: RangeReader;
  let logged: LoggedEvent[] = [];
  beforeAll(async () => {
    broker = await startLog(now);
    reader = readerOf(broker.address);
    logged = await readLog(broker.address);
    return async () => {
      await reader[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    };
  }, 120_000);

  it('results in moments that are the fold of every record from its start on', async () => {
    await using folder = await temporaryFolder();
    const since = minutesAgo(150);
    const given = { folder: folder.path, since, knownSince: minutesAgo(10) };
    const task = await taskUpToNow(broker.address, given);
    expect(await readUpTo(task, reader)).toBe(true);
    const history = await OpenedHistory.open(folder.path, reader);
    expect(history.oldest.since).toBe(since);
    expect(history.keyframes).toBeGreaterThan(2);
    const first = new Map<string, bigint>();
    for (const { topic: of, partition, offset, receivedAt } of logged) {
      const name = `${of}-${partition}`;
      if (receivedAt >= since && !first.has(name)) first.set(name, offset);
    }
    const events = eventsFrom(logged, history.oldest);
    for (const { topic: of, partition, offset } of events) {
      expect(offset).toBeGreaterThanOrEqual(first.get(`${of}-${partition}`)!);
    }
    expect(events.length).toBe(logged.filter(({ receivedAt }) => receivedAt >= since).length);
    await expectMoments(history, events, [149, 120, 77.7, 60, 11, 9, 0].map(minutesAgo));
    await history.close();
  });

  it('continues after it was killed at any time, with the same moments', async () => {
    await using folder = await temporaryFolder();
    const given = { folder: folder.path, since: minutesAgo(400), knownSince: minutesAgo(10) };
    const task = await taskUpToNow(broker.address, given);
    for (const share of [0.4, 0.01, 0.6]) {
      expect(await readUpTo(task, reader, share)).toBe(false);
      await leaveHalfWritten(folder.path);
    }
    expect(await readUpTo(task, reader)).toBe(true);
    // Nothing follows: it is not read again.
    expect(await readUpTo(task, reader)).toBe(true);
    const history = await OpenedHistory.open(folder.path, reader);
    expect(history.oldest.since).toBe(null);
    await expectMoments(history, logged, [179, 100, 42, 0].map(minutesAgo));
    await history.close();
  });

  it('begins again if the keyframes are of another start or another cluster', async () => {
    await using folder = await temporaryFolder();
    const given = { folder: folder.path, since: minutesAgo(30), knownSince: minutesAgo(10) };
    const task = await taskUpToNow(broker.address, given);
    expect(await readUpTo(task, reader)).toBe(true);
    const earlier = { ...task, since: minutesAgo(60), knownSince: minutesAgo(30) };
    expect(await readUpTo(earlier, reader)).toBe(true);
    let history = await OpenedHistory.open(folder.path, reader);
    expect(history.oldest.since).toBe(minutesAgo(60));
    await history.close();
    expect(await readUpTo({ ...earlier, clusterId: 'another' }, reader)).toBe(true);
    history = await OpenedHistory.open(folder.path, reader);
    expect(history.oldest.clusterId).toBe('another');
    await history.close();
  });
});

describe('a log with records that cannot be read', () => {
  it('is read without them, and their number is returned', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const place = { topic, partition: 0 };
    // Two batches of one record each: the first one is damaged, the second one has no event.
    for (const value of ['damaged', 'no event']) {
      await appendTransaction(broker, { ...place, values: [value], outcome: 'commit' });
    }
    await spoilBatch(broker, { ...place, offset: 0n });
    await using reader = readerOf(broker.address);
    const now = Date.now();
    const given = { folder: folder.path, since: now - HOUR_MS, knownSince: now };
    const task = await taskUpToNow(broker.address, given);
    const backfill = new Backfill({ task, reader, onProgress: () => undefined, onDamaged: () => undefined });
    expect(await backfill.run()).toBe(2);
  });
});

describe('a log that deletes records before they are read', { timeout: 120_000 }, () => {
  it('is read from its new start, and moments contain all records after it', async () => {
    await using folder = await temporaryFolder();
    const now = Date.now();
    await using broker = await startLog(now);
    await using reader = readerOf(broker.address);
    const before = await readLog(broker.address);
    const given = { folder: folder.path, since: now - 4 * HOUR_MS, knownSince: now };
    const task = await taskUpToNow(broker.address, given);
    expect(await readUpTo(task, reader, 0.3)).toBe(false);
    const partition = before.find((record) => record.topic === topic)!.partition;
    const ofPartition = before.filter((record) => record.topic === topic && record.partition === partition);
    const deleteUpTo = (share: number): Promise<void> => {
      const { offset } = ofPartition[Math.floor(ofPartition.length * share)]!;
      return deleteRecords(broker, { topic, partition, offset });
    };

    // While it is not read: the keyframes are not continued.
    await deleteUpTo(0.7);
    // While it is read: the first reads look up where the partitions begin and end.
    let reads = 0;
    const racing: RangeReader = {
      readRange: async (request) => {
        reads += 1;
        if (reads === 6) await deleteUpTo(0.9);
        return reader.readRange(request);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    await expect(readUpTo(task, racing)).rejects.toThrow(BackfillGapError);

    expect(await readUpTo(task, reader)).toBe(true);
    const left = await readLog(broker.address);
    expect(left.length).toBeLessThan(before.length);
    const history = await OpenedHistory.open(folder.path, reader);
    const events = eventsFrom(left, history.oldest);
    expect(events.length).toBe(left.length);
    await expectMoments(
      history,
      events,
      [170, 60, 10, 0].map((minutes) => now - minutes * MINUTE_MS),
    );
    await history.close();
  });
});
