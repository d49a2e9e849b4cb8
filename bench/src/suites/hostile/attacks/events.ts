import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AttackGroup, Attempt } from '../target/attempt.js';
import { post, send } from '../target/http.js';
import { HOSTILE, NEIGHBOUR, point, type Target } from '../target/target.js';

const DAY_MS = 86_400_000;
const ITEMS_PER_REQUEST = 1_000;
/** Partitions that event times may add to a table: two months of days, and those of the first load. */
const MAX_PARTITIONS = 70;
const SHOWN_WITHIN_MS = 30_000;

const writeToken = (target: Target, providerId: string) => target.token({ scopes: ['write'], providerId });

/** Posts the items in requests of the maximum size. @returns the number that was accepted */
async function postAll(target: Target, path: string, items: readonly object[]): Promise<number> {
  const token = await writeToken(target, HOSTILE);
  let accepted = 0;
  for (let index = 0; index < items.length; index += ITEMS_PER_REQUEST) {
    const { status, text } = await post(
      target.ingest.url + path,
      items.slice(index, index + ITEMS_PER_REQUEST),
      token,
    );
    if (status === 201) accepted += (JSON.parse(text) as { success: number }).success;
  }
  return accepted;
}

const times = (name: string, makeTimes: () => readonly number[]): Attempt => ({
  name,
  async run(target) {
    await postAll(
      target,
      '/telemetry',
      makeTimes().map((timestamp) => point(HOSTILE, { timestamp })),
    );
    await postAll(
      target,
      '/events',
      makeTimes().map((timestamp) => vehicleEvent(HOSTILE, { timestamp })),
    );
    const [mine] = [point(NEIGHBOUR)];
    await post(`${target.ingest.url}/telemetry`, [mine], await writeToken(target, NEIGHBOUR));
    await target.load();
    for (const table of ['telemetry', 'vehicle_events']) {
      const partitions = await countPartitions(target, table);
      if (partitions > MAX_PARTITIONS) return `${partitions} partitions of ride.${table}`;
    }
    const { rowCount } = await target.pool.query('SELECT FROM ride.telemetry WHERE telemetry_id = $1', [
      mine!.telemetry_id,
    ]);
    return rowCount === 1 ? undefined : 'an event of another provider is not in Postgres';
  },
});

async function countPartitions({ pool }: Target, table: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    "SELECT count(*) FROM pg_inherits WHERE inhparent = ('ride.' || $1)::regclass",
    [table],
  );
  return Number(rows[0]?.count);
}

/** Event times that would need a partition each. */
export const eventTimesGroup: AttackGroup = {
  name: 'event times',
  attempts: (isFull) => [
    times('every day since 1970', () => days(isFull ? 1 : 30)),
    times('random days', () =>
      Array.from({ length: isFull ? 20_000 : 1_000 }, () => Math.floor(Math.random() * Date.now())),
    ),
    times('seconds, microseconds, and the year 275760', () => [
      Math.floor(Date.now() / 1_000),
      Date.now() * 1_000,
      8_640_000_000_000_000,
      0,
      -1,
      Number.MAX_SAFE_INTEGER,
    ]),
  ],
};

function days(step: number): number[] {
  const all: number[] = [];
  for (let time = Date.now(); time > 0; time -= step * DAY_MS) all.push(time);
  return all;
}

function vehicleEvent(providerId: string, changes: object = {}) {
  return {
    device_id: randomUUID(),
    event_id: randomUUID(),
    provider_id: providerId,
    vehicle_state: 'available',
    event_types: ['service_start'],
    timestamp: Date.now(),
    location: { lat: 43.7384, lng: 7.4246 },
    ...changes,
  };
}

function trip(providerId: string, tripId: string) {
  const end = Date.now();
  return {
    provider_id: providerId,
    device_id: randomUUID(),
    trip_id: tripId,
    start_time: end - 600_000,
    end_time: end,
    start_location: { lat: 43.7, lng: 7.4 },
    end_location: { lat: 43.71, lng: 7.41 },
    duration: 600,
    distance: 2_500,
  };
}

/** The hostile provider sends an id first; the event of the other one with this id must be stored, too. */
const takenId = (
  path: string,
  table: string,
  column: string,
  make: (provider: string, id: string) => object,
): Attempt => ({
  name: `the ${column} of another provider, first`,
  async run(target) {
    const id = randomUUID();
    await post(target.ingest.url + path, [make(HOSTILE, id)], await writeToken(target, HOSTILE));
    await target.load();
    await post(target.ingest.url + path, [make(NEIGHBOUR, id)], await writeToken(target, NEIGHBOUR));
    await target.load();
    const { rowCount } = await target.pool.query(
      `SELECT FROM ride.${table} WHERE ${column} = $1 AND provider_id = $2`,
      [id, NEIGHBOUR],
    );
    return rowCount === 1 ? undefined : `${rowCount} rows of the other provider`;
  },
});

const takenVehicle: Attempt = {
  name: 'the device_id of another provider, later and elsewhere',
  async run(target) {
    const deviceId = randomUUID();
    await post(
      `${target.ingest.url}/telemetry`,
      [point(NEIGHBOUR, { device_id: deviceId })],
      await writeToken(target, NEIGHBOUR),
    );
    const elsewhere = point(HOSTILE, {
      device_id: deviceId,
      timestamp: Date.now() + 30_000,
      location: { lat: 1, lng: 1 },
    });
    await post(`${target.ingest.url}/telemetry`, [elsewhere], await writeToken(target, HOSTILE));
    const token = await target.token({ scopes: ['read'], providerId: NEIGHBOUR });
    const giveUpAt = performance.now() + SHOWN_WITHIN_MS;
    for (;;) {
      const { status, text } = await send(`${target.realtime.url}/vehicles/${deviceId}`, { token });
      if (status === 200) {
        const { provider_id: shown, location } = JSON.parse(text) as {
          provider_id: string;
          location: { lat: number };
        };
        return shown === NEIGHBOUR && location.lat > 40 ? undefined : `shown: ${text.slice(0, 200)}`;
      }
      if (performance.now() > giveUpAt) return `status ${status} for its own provider`;
      await pause(50);
    }
  },
};

const tripStart = (provider: string, tripId: string, deviceId: string = randomUUID()) =>
  vehicleEvent(provider, {
    device_id: deviceId,
    vehicle_state: 'on_trip',
    event_types: ['trip_start'],
    trip_ids: [tripId],
  });

/** The trips of another provider are still listed after many that never were, and after one with the same id. */
const inventedTrips = (count: number): Attempt => ({
  name: `${count.toLocaleString('en-US')} trips that never were`,
  async run(target) {
    const tripId = randomUUID();
    const vehicles = { [NEIGHBOUR]: randomUUID(), [HOSTILE]: randomUUID() };
    const taken = tripStart(HOSTILE, tripId, vehicles[HOSTILE]);
    const invented = Array.from({ length: count }, () => tripStart(HOSTILE, randomUUID()));
    const token = await writeToken(target, NEIGHBOUR);
    await post(`${target.ingest.url}/events`, [tripStart(NEIGHBOUR, tripId, vehicles[NEIGHBOUR])], token);
    if ((await postAll(target, '/events', [...invented, taken])) === 0) return 'no trip was accepted';
    const giveUpAt = performance.now() + SHOWN_WITHIN_MS;
    for (const providerId of [HOSTILE, NEIGHBOUR] as const) {
      const url = `${target.realtime.url}/trips?device_id=${vehicles[providerId]}`;
      const reader = await target.token({ scopes: ['read'], providerId });
      for (;;) {
        const { status, text } = await send(url, { token: reader });
        if (status === 200 && text.includes(tripId)) break;
        if (performance.now() > giveUpAt) return `trips of ${providerId}: ${status} ${text.slice(0, 200)}`;
        await pause(50);
      }
    }
    return undefined;
  },
});

/** Ids of another provider. */
export const identitiesGroup: AttackGroup = {
  name: 'ids of others',
  attempts: (isFull) => [
    takenId('/telemetry', 'telemetry', 'telemetry_id', (provider, id) =>
      point(provider, { telemetry_id: id }),
    ),
    takenId('/events', 'vehicle_events', 'event_id', (provider, id) =>
      vehicleEvent(provider, { event_id: id }),
    ),
    takenId('/trips', 'trips', 'trip_id', trip),
    takenVehicle,
    inventedTrips(isFull ? 20_000 : 2_000),
  ],
};
