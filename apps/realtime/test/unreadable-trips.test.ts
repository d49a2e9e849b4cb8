import { auditTopic, telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import type { AuditRecord } from '@hailstream/events/audit';
import type { FeedList } from '@hailstream/events/feeds';
import type {
  HistoryFrame,
  HistoryOrder,
  PastVehicleList,
  TripList,
  TripPage,
  TripRoute,
  VehicleTimeline,
} from '@hailstream/events/live';
import { partitionForKey } from '@hailstream/log';
import { deleteRecords, spoilBatch, startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import type { CityEvent } from '../src/fold/city-state.js';
import { id, PROVIDER, telemetry, vehicleEvent } from '../src/fold/events.fixture.js';
import {
  append,
  appendRecords,
  createTopics,
  getJson,
  metric,
  monaco,
  openSocket,
  startRealtime,
  temporaryFolder,
  untilInKeyframe,
  untilReady,
  type Realtime,
} from './_util.js';

const SECOND_MS = 1_000;

/** The partition of a topic with the records of a key. */
function placeOf(topic: { readonly name: string; readonly partitions: number }, key: string) {
  return { topic: topic.name, partition: partitionForKey(Buffer.from(key), topic.partitions) };
}

/** A trip of ten minutes by a vehicle: its reservation, its ride, and its end. */
function tripOf(device: number, trip: number, endedAt: number) {
  const step = (before: number, change: Parameters<typeof vehicleEvent>[0]): CityEvent =>
    vehicleEvent({
      device_id: id(device),
      trip_ids: [id(trip)],
      timestamp: endedAt - before * SECOND_MS,
      ...change,
    });
  return {
    reserved: step(600, { vehicle_state: 'reserved', event_types: ['reservation_start'] }),
    ride: [
      step(500, { vehicle_state: 'stopped', event_types: ['reservation_stop'] }),
      step(400, { vehicle_state: 'on_trip', event_types: ['trip_start'] }),
    ],
    ended: step(0, { vehicle_state: 'available', event_types: ['trip_stop', 'trip_end'] }),
    points: Array.from({ length: 60 }, (_, n) =>
      telemetry({
        device_id: id(device),
        timestamp: endedAt - (600 - n * 10) * SECOND_MS,
        location: { lat: 43.73 + n / 1e4, lng: 7.42 },
      }),
    ),
  };
}

describe('a log with records that cannot be read', () => {
  it('has trips, routes and timelines that say how many', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const endedAt = Date.now() - 60 * SECOND_MS;
    const damaged = tripOf(1, 101, endedAt);
    const device = [...Array(50).keys()].find(
      (n) =>
        placeOf(vehicleEventFamily.topic, id(n + 2)).partition !==
        placeOf(vehicleEventFamily.topic, id(1)).partition,
    )!;
    const whole = tripOf(device + 2, 102, endedAt);
    const env = { REALTIME_HISTORY_DIR: folder.path, REALTIME_KEYFRAME_MS: '1s' };
    const counted = 2 * (4 + 60);
    {
      await using realtime = await startRealtime(broker.address, env);
      await untilReady(realtime);
      for (const { reserved, ride, ended, points } of [damaged, whole]) {
        // Each is a batch of its own.
        for (const events of [[reserved], ride, [ended], points.slice(0, 20), points.slice(20)]) {
          await append(broker.address, events);
        }
      }
      await until(async () => (await metric(realtime, 'realtime_records_total')) === counted, {
        what: 'all records',
      });
      const { body } = await getJson<TripList>(`${realtime.url}/trips`);
      expect(body).toMatchObject({ total: 2, unreadable_records: 0 });
      const { body: page } = await getJson<TripPage>(`${realtime.url}/trips/${id(101)}`);
      expect([page.events.length, page.unreadable_records]).toEqual([4, 0]);
      await untilInKeyframe(folder.path, counted);
    }
    await spoilBatch(broker, { ...placeOf(vehicleEventFamily.topic, id(1)), offset: 1n });
    await using realtime = await startRealtime(broker.address, env);
    const { url } = realtime;
    await untilReady(realtime);
    await deleteRecords(broker, { ...placeOf(telemetryFamily.topic, id(1)), offset: 20n });

    const { body: list } = await getJson<TripList>(`${url}/trips`);
    expect(list).toMatchObject({ total: 2, unreadable_records: 2 });
    const { body: page } = await getJson<TripPage>(`${url}/trips/${id(101)}`);
    expect(page.events.map(({ timestamp }) => timestamp)).toEqual([endedAt - 600 * SECOND_MS, endedAt]);
    // With the deleted telemetry, which was read for the distance.
    expect(page.unreadable_records).toBe(22);
    const { body: route } = await getJson<TripRoute>(`${url}/trips/${id(101)}/route`);
    expect([route.point_count, route.unreadable_records]).toEqual([40, 22]);
    const { body: day } = await getJson<VehicleTimeline>(`${url}/vehicles/${id(1)}/timeline`);
    expect([day.event_count, day.point_count, day.unreadable_records]).toEqual([2, 40, 22]);

    const { body: other } = await getJson<TripPage>(`${url}/trips/${id(102)}`);
    expect([other.events.length, other.unreadable_records]).toEqual([4, 0]);
  });

  it('has moments of the past that say how many, whether the fold has skipped them or they were damaged later', async () => {
    await using folder = await temporaryFolder();
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    const at = (seconds: number) => now - 600 * SECOND_MS + seconds * SECOND_MS;
    const point = (second: number) => telemetry({ device_id: id(1), timestamp: at(second) });
    const place = placeOf(telemetryFamily.topic, id(1));
    const env = { REALTIME_HISTORY_DIR: folder.path, REALTIME_KEYFRAME_MS: '1s' };
    // Each is a batch: the second one, of three records, is damaged before it is read, and the third one has no event.
    await append(broker.address, [point(0)], at(0));
    await append(broker.address, [point(10), point(11), point(12)], at(12));
    await spoilBatch(broker, { ...place, offset: 1n });
    await appendRecords(broker.address, [
      {
        topic: telemetryFamily.topic.name,
        key: Buffer.from(id(1)),
        value: Buffer.from('no event'),
        timestampMs: at(100),
      },
    ]);
    await append(broker.address, [point(200)], at(200));
    const unreadable = async ({ url }: Realtime, second: number, by: HistoryOrder) => {
      const query = `at=${new Date(at(second)).toISOString()}&by=${by}`;
      const { status, body } = await getJson<PastVehicleList>(`${url}/vehicles?${query}`);
      expect([status, body.count]).toEqual([200, 1]);
      return body.moment.unreadable_records;
    };
    {
      await using realtime = await startRealtime(broker.address, env);
      await untilReady(realtime);
      await until(async () => (await metric(realtime, 'realtime_records_total')) === 4, {
        what: 'all records',
      });
      for (const by of ['event', 'received'] as const) {
        const counts = [];
        for (const second of [150, 300]) counts.push(await unreadable(realtime, second, by));
        expect([by, ...counts]).toEqual([by, 4, 4]);
      }
      await append(broker.address, [point(400)], at(400));
      await append(broker.address, [point(500)], at(500));
      await until(async () => (await metric(realtime, 'realtime_records_total')) === 6, {
        what: 'all records',
      });
      await untilInKeyframe(folder.path, 8);
    }
    await spoilBatch(broker, { ...place, offset: 6n });
    await using realtime = await startRealtime(broker.address, env);
    await untilReady(realtime);
    expect(await unreadable(realtime, 450, 'event')).toBe(5);
    using page = openSocket(realtime.url);
    const frames: HistoryFrame[] = [];
    page.on('historySnapshot', (frame) => frames.push(frame));
    page.emit('openHistory', { seek: 1, at: at(450), by: 'event', viewport: monaco });
    await until(() => frames.length > 0, { what: 'the moment' });
    expect(frames[0]!.unreadableRecords).toBe(5);
  });

  it('has feeds that say how many audit records are missing', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    const now = Date.now();
    await append(broker.address, [telemetry({ timestamp: now })]);
    const record = (minute: number): AuditRecord => ({
      stage: 'ingest',
      process_id: id(900),
      minute: (Math.floor(now / 60_000) - minute) * 60_000,
      topic: telemetryFamily.topic.name,
      provider_id: PROVIDER,
      accepted: 60,
      rejected: [{ reason: 'timestamp-in-seconds', count: 40 }],
    });
    const audit = (value: unknown) => ({
      topic: auditTopic.name,
      key: 'ingest/1',
      value: Buffer.from(JSON.stringify(value)),
    });
    await appendRecords(broker.address, [audit(record(3)), audit(record(2)), audit(record(1))]);
    await appendRecords(broker.address, [audit({ stage: 'unknown' })]);
    await spoilBatch(broker, { ...placeOf(auditTopic, 'ingest/1'), offset: 0n });
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const list = async () => (await getJson<FeedList>(`${realtime.url}/feeds`)).body;
    await until(async () => (await list()).unreadableAuditRecords > 0, { what: 'the audit records' });
    expect((await list()).unreadableAuditRecords).toBe(4);
    const metrics = await (await fetch(`${realtime.url}/metrics`)).text();
    expect(metrics).toContain(`log_consumer_undecodable_batches_total{topic="${auditTopic.name}"} 1`);
  });
});
