import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { telemetryFamily } from '@hailstream/events';
import { deleteRecords, deleteTopic, startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { decodeKeyframe } from '../src/archive/keyframe.js';
import { ByteReader } from '../src/encoding/byte-reader.js';
import { CityState, type CityEvent } from '../src/fold/city-state.js';
import { KeyframesService } from '../src/keyframes/keyframes.service.js';
import { id, minuteOfEvents, riderEvent, telemetry, tripReport } from '../src/fold/events.fixture.js';
import {
  append,
  createTopics,
  getJson,
  metric,
  startRealtime,
  temporaryFolder,
  untilReady,
  type Realtime,
} from './_util.js';

const HOUR_MS = 3_600_000;

const start = (address: string, folder: string): Promise<Realtime> =>
  startRealtime(address, { REALTIME_HISTORY_DIR: folder, REALTIME_KEYFRAME_MS: '1s' });

const keyframesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.keyframe')).sort();

const packsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.startsWith('trips-')).sort();

/** Vehicles and totals, as of no particular moment. */
async function cityOf({ url }: Realtime) {
  const [{ body: list }, { body: stats }] = await Promise.all([
    getJson<{ vehicles: { device_id: string }[] }>(`${url}/vehicles`),
    getJson(`${url}/stats`),
  ]);
  const details = await Promise.all(
    list.vehicles
      .map(({ device_id }) => device_id)
      .sort()
      .map(async (deviceId) => (await getJson(`${url}/vehicles/${deviceId}`)).body),
  );
  const { devicesSeen, eventsSeen, byState, tripsNow, requestsWaiting, newestEventAt } = stats;
  return { details, devicesSeen, eventsSeen, byState, tripsNow, requestsWaiting, newestEventAt };
}

function points(count: number, first = 1): CityEvent[] {
  const timestamp = Date.now();
  return Array.from({ length: count }, (_, n) => telemetry({ device_id: id(first + n), timestamp }));
}

/** Appends events, writes a keyframe with them unless one was written already, and stops the service. */
async function runUntilKeyframe(
  address: string,
  folder: string,
  events: readonly CityEvent[],
): Promise<void> {
  await using realtime = await start(address, folder);
  await untilReady(realtime);
  const seen = async (): Promise<number> =>
    Number((await getJson(`${realtime.url}/stats`)).body['eventsSeen']);
  const all = (await seen()) + events.length;
  await append(address, events);
  await until(async () => (await seen()) >= all, { what: 'the events' });
  // The next one that is due waits twenty times as long as the last one took, which is long on a busy machine.
  await realtime.app.get(KeyframesService).writeBetweenSlices();
}

describe('a restart', () => {
  it('continues from the newest keyframe, with the same city as one that reads everything', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const first = minuteOfEvents(Date.now());
    await runUntilKeyframe(broker.address, folder.path, first);
    const more = minuteOfEvents(Date.now() + 1_000);
    await append(broker.address, more);

    await using restarted = await start(broker.address, folder.path);
    await using complete = await startRealtime(broker.address);
    for (const each of [restarted, complete]) await untilReady(each);
    expect(await cityOf(restarted)).toEqual(await cityOf(complete));
    expect(await metric(restarted, 'realtime_records_total')).toBe(more.length);
    expect(await metric(complete, 'realtime_records_total')).toBe(first.length + more.length);
  });

  it('continues with the trips of packs, which are written once', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const ended = Array.from({ length: 600 }, (_, n) =>
      tripReport({ trip_id: id(1_000 + n), start_time: now - 600_000, end_time: now - 60_000 - n }),
    );
    await runUntilKeyframe(broker.address, folder.path, ended);
    const packs = await packsIn(folder.path);
    expect(packs).toHaveLength(1);
    await runUntilKeyframe(broker.address, folder.path, points(7));
    expect(await packsIn(folder.path)).toEqual(packs);
    // A rider rates one of them later.
    const late = { trip_id: id(1_300), timestamp: now - 1_000 };
    await append(broker.address, [riderEvent({ ...late, event_type: 'ride_rating', rating: 5 })]);

    await using restarted = await start(broker.address, folder.path);
    await using complete = await startRealtime(broker.address);
    for (const each of [restarted, complete]) await untilReady(each);
    expect(await metric(restarted, 'realtime_records_total')).toBe(1);
    expect(await cityOf(restarted)).toEqual(await cityOf(complete));
    for (const trip of [id(1_000), id(1_300), id(1_599)]) {
      const [found, expected] = await Promise.all(
        [restarted, complete].map(({ url }) => getJson(`${url}/search?q=${trip}`)),
      );
      expect(found!.body['results']).toHaveLength(1);
      expect(found!.body['results']).toEqual(expected!.body['results']);
    }
  });

  it('writes keyframes while it reads a long log without the trips that are too old', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const ended = (n: number, hours: number): CityEvent => {
      const at = now - hours * HOUR_MS;
      return tripReport({ trip_id: id(n), start_time: at - 600_000, end_time: at });
    };
    await append(broker.address, [ended(1_000, 8), ended(1_001, 1)], now - 55 * 60_000);
    // As many records as three keyframes have, all of which are read before the first tick.
    const first = now - 50 * 60_000;
    for (let n = 0; n < 30; n += 1) {
      const timestamp = first + n * 100_000;
      const events = Array.from({ length: 1_000 }, (_, at) =>
        telemetry({ device_id: id(1 + at), timestamp }),
      );
      await append(broker.address, events, timestamp);
    }
    {
      await using realtime = await startRealtime(broker.address, {
        REALTIME_HISTORY_DIR: folder.path,
        REALTIME_KEYFRAME_MS: '1h',
        REALTIME_TICK_MS: '10s',
      });
      await untilReady(realtime);
    }
    const written = await Promise.all(
      (await keyframesIn(folder.path)).map(async (name) => {
        const { header, city } = decodeKeyframe(await readFile(join(folder.path, name)));
        const copy = new CityState();
        copy.read(new ByteReader(city), new Map());
        return { header, trips: [...copy.trips(null)].map(({ trip }) => trip.tripId) };
      }),
    );
    const withPoints = written.filter(({ header }) => (header.latest.event ?? 0) >= first);
    expect(withPoints.length).toBeGreaterThan(1);
    for (const { trips } of withPoints) expect(trips).toEqual([id(1_001)]);
  });

  it('leaves the keyframes to a running process, and continues those of a killed one', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await runUntilKeyframe(broker.address, folder.path, points(5));
    {
      await using _first = await start(broker.address, folder.path);
      await untilReady(_first);
      const before = await keyframesIn(folder.path);
      await using second = await start(broker.address, folder.path);
      await untilReady(second);
      expect((await getJson(`${second.url}/stats`)).body).toMatchObject({ devicesSeen: 5 });
      expect(await metric(second, 'realtime_keyframe_failures_total')).toBeGreaterThan(0);
      expect(await keyframesIn(folder.path)).toEqual(before);
    }
    // The id of a process that does not run: it was killed and has not removed its lock.
    await writeFile(join(folder.path, '.lock'), '2147483646\n1\n');
    await using restarted = await start(broker.address, folder.path);
    await untilReady(restarted);
    expect(await metric(restarted, 'realtime_records_total')).toBe(0);
    expect(await metric(restarted, 'realtime_keyframe_failures_total')).toBe(0);
  });

  it('uses an older keyframe if the newest one is damaged', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await runUntilKeyframe(broker.address, folder.path, points(5));
    await runUntilKeyframe(broker.address, folder.path, points(7, 100));
    const names = await keyframesIn(folder.path);
    const newest = join(folder.path, names.at(-1)!);
    const bytes = await readFile(newest);
    bytes[bytes.length - 20]! ^= 1;
    await writeFile(newest, bytes);

    await using realtime = await start(broker.address, folder.path);
    await untilReady(realtime);
    expect((await getJson(`${realtime.url}/stats`)).body).toMatchObject({ devicesSeen: 12, eventsSeen: 12 });
    expect(await metric(realtime, 'realtime_keyframe_failures_total')).toBe(1);
    expect(await keyframesIn(folder.path)).not.toContain(names.at(-1));
  });

  it.each([
    [
      'the topic was recreated',
      async (broker: Parameters<typeof deleteTopic>[0]) => {
        await deleteTopic(broker, telemetryFamily.topic.name);
        await createTopics(broker.address);
      },
      0,
    ],
    [
      'the log has deleted records that follow it',
      async (broker: Parameters<typeof deleteTopic>[0]) => {
        const topic = telemetryFamily.topic.name;
        await append(broker.address, points(40, 500));
        for (let partition = 0; partition < telemetryFamily.topic.partitions; partition += 1) {
          await deleteRecords(broker, { topic, partition, offset: -1n });
        }
      },
      0,
    ],
  ])('discards the keyframes if %s', async (_, change, vehicles) => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await runUntilKeyframe(broker.address, folder.path, points(30));
    const before = await keyframesIn(folder.path);
    await change(broker);
    await using realtime = await start(broker.address, folder.path);
    await untilReady(realtime);
    expect((await getJson(`${realtime.url}/stats`)).body).toMatchObject({ devicesSeen: vehicles });
    const after = await keyframesIn(folder.path);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
  });
});

describe('a folder of keyframes that cannot be used', () => {
  it('is reported, and the service follows the log', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    await using realtime = await start(broker.address, join(file, 'history'));
    await untilReady(realtime);
    await append(broker.address, points(3));
    await until(async () => (await getJson(`${realtime.url}/stats`)).body['devicesSeen'] === 3, {
      what: 'the vehicles',
    });
    await until(async () => (await metric(realtime, 'realtime_keyframe_failures_total')) >= 2, {
      what: 'a retry',
    });
    expect((await getJson(`${realtime.url}/health/ready`)).status).toBe(200);
  });
});
