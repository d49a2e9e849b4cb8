import { erasureTopic, type ErasureKind } from '@hailstream/events';
import type { TripList } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { id, riderEvent, telemetry, tripReport, vehicleEvent } from '../src/fold/events.fixture.js';
import {
  append,
  appendRecords,
  getJson,
  metric,
  startRealtime,
  temporaryFolder,
  untilInKeyframe,
  untilReady,
  type Realtime,
  type VehicleList,
} from './_util.js';

const erased = id(1);
const other = id(2);
const trip = id(11);

async function erase(brokerAddress: string, kind: ErasureKind, of: string): Promise<void> {
  const value = Buffer.from(JSON.stringify({ kind, id: of, requested_at: Date.now() }));
  await appendRecords(brokerAddress, [{ topic: erasureTopic.name, key: of, value }]);
}

/** Some minutes of two vehicles, of which the first makes a trip. Returns the number of events. */
async function appendMinutes(brokerAddress: string, from: number): Promise<number> {
  const events = [
    riderEvent({ trip_id: trip, timestamp: from }),
    vehicleEvent({
      device_id: erased,
      trip_ids: [trip],
      event_types: ['trip_start'],
      vehicle_state: 'on_trip',
      event_id: id(101),
      timestamp: from + 1_000,
    }),
    ...[0, 1, 2].flatMap((second) => [
      telemetry({ device_id: erased, telemetry_id: id(200 + second), timestamp: from + second * 1_000 }),
      telemetry({ device_id: other, telemetry_id: id(300 + second), timestamp: from + second * 1_000 }),
    ]),
    vehicleEvent({
      device_id: erased,
      trip_ids: [trip],
      event_types: ['trip_end'],
      vehicle_state: 'available',
      event_id: id(102),
      timestamp: from + 3_000,
    }),
    tripReport({ device_id: erased, trip_id: trip, start_time: from + 1_000, end_time: from + 3_000 }),
  ];
  await append(brokerAddress, events);
  return events.length;
}

async function devices({ url }: Realtime, query = ''): Promise<unknown[]> {
  const { body } = await getJson<VehicleList>(`${url}/vehicles${query}`);
  return body.vehicles.map((vehicle) => vehicle['device_id']).sort();
}

const untilFolded = (realtime: Realtime, records: number) =>
  until(async () => (await metric(realtime, 'realtime_records_total')) >= records, { what: 'the records' });
const untilErased = (realtime: Realtime) =>
  until(async () => !(await devices(realtime)).includes(erased), { what: 'the erasure' });

describe('an erased device', () => {
  it('is dropped from the city, moments of the past and trips, and its later events are not folded', async () => {
    await using broker = await startTestBroker();
    await using folder = await temporaryFolder();
    const env = { REALTIME_HISTORY_DIR: folder.path, REALTIME_KEYFRAME_MS: '1s' };
    const from = Date.now() - 60_000;
    const moment = `?at=${new Date(from + 2_500).toISOString()}`;
    let records: number;
    {
      await using realtime = await startRealtime(broker.address, env);
      await untilReady(realtime);
      records = await appendMinutes(broker.address, from);
      await untilFolded(realtime, records);
      expect(await devices(realtime)).toEqual([erased, other]);
      expect(await devices(realtime, moment)).toEqual([erased, other]);
      const { body: trips } = await getJson<TripList>(`${realtime.url}/trips`);
      expect(trips.trips).toMatchObject([{ trip_id: trip, device_id: erased }]);
      await untilInKeyframe(folder.path, records);

      await erase(broker.address, 'device', erased);
      await untilErased(realtime);
      expect((await getJson(`${realtime.url}/vehicles/${erased}`)).status).toBe(404);
      await until(
        async () => (await getJson<{ devicesSeen: number }>(`${realtime.url}/stats`)).body.devicesSeen === 1,
        { what: 'the counts of the next tick' },
      );
      expect(await devices(realtime, moment)).toEqual([other]);
      const { body: left } = await getJson<TripList>(`${realtime.url}/trips`);
      expect(JSON.stringify(left)).not.toContain(erased);

      await append(broker.address, [
        telemetry({ device_id: erased, telemetry_id: id(210), timestamp: Date.now() }),
      ]);
      await untilFolded(realtime, records + 1);
      expect(await devices(realtime)).toEqual([other]);
    }
    // The keyframe has it.
    await using restarted = await startRealtime(broker.address, env);
    await untilReady(restarted);
    await untilErased(restarted);
    expect(await devices(restarted)).toEqual([other]);
    expect(await devices(restarted, moment)).toEqual([other]);
  });
});

describe('an erased rider', () => {
  it('sends events that are not folded', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    await erase(broker.address, 'rider', id(21));
    const send = (rider: string, n: number) =>
      append(broker.address, [
        riderEvent({ rider_id: rider, event_id: id(400 + n), trip_id: id(500 + n), timestamp: Date.now() }),
      ]);
    const text = async () => (await fetch(`${realtime.url}/metrics`)).text();
    let sent = 0;
    await until(
      async () => {
        await send(id(21), (sent += 1));
        return /realtime_records_total\{[^}]*outcome="erased"[^}]*\} [1-9]/.test(await text());
      },
      { what: 'a record that is not folded', pollMs: 200 },
    );
    await send(id(22), (sent += 1));
    await until(async () => (await metric(realtime, 'realtime_records_total')) >= sent, {
      what: 'the records',
    });
    expect(await text()).toMatch(/realtime_records_total\{[^}]*outcome="folded"[^}]*\} [1-9]/);
  });
});
