import { randomUUID } from 'node:crypto';
import { eventRegistry, type EventOf, type FamilyName } from '@hailstream/events';
import { createAdmin, createProducer, type OutgoingRecord } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { TelemetrySource } from '../../harness/telemetry.js';
import { DAY_MS, DAYS, type City } from './city.js';

const SENT_AT_ONCE = 5_000;

/** Appends records. Resolves after the log has acknowledged all of them. */
async function append(brokers: string, records: Iterable<OutgoingRecord>): Promise<void> {
  const connection = { brokers: [brokers], clientId: 'bench' };
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger });
  const send = async (batch: OutgoingRecord[]): Promise<void> => {
    for (const result of await producer.send(batch)) if (result.kind === 'failed') throw result.error;
  };
  let batch: OutgoingRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length < SENT_AT_ONCE) continue;
    await send(batch);
    batch = [];
  }
  await send(batch);
}

/** Appends positions that are received now. Their ids are random, which is the worst case for the indexes of ids. */
export function appendPositions(brokers: string, count: number): Promise<void> {
  const source = new TelemetrySource();
  return append(
    brokers,
    (function* () {
      for (let index = 0; index < count; index += 1) yield recordOf('telemetry', source.next(), Date.now());
    })(),
  );
}

/** Appends positions that were received on a day of the city, evenly distributed over it. */
export function appendPastPositions(brokers: string, fromMs: number, count: number): Promise<void> {
  const source = new TelemetrySource();
  return append(
    brokers,
    (function* () {
      for (let index = 0; index < count; index += 1) {
        const timestamp = fromMs + Math.floor((index / count) * DAY_MS);
        yield recordOf('telemetry', { ...source.next(), timestamp }, timestamp);
      }
    })(),
  );
}

/** Appends an event of each family for each day, so that loading them creates all partitions. */
export function appendEachDay(brokers: string, { fromMs }: City): Promise<void> {
  const device_id = randomUUID();
  const provider_id = LOCAL_PROVIDER_ID;
  const location = { lat: 37.76, lng: -122.44 };
  return append(
    brokers,
    (function* () {
      for (let day = 0; day < DAYS; day += 1) {
        const timestamp = fromMs + day * DAY_MS + DAY_MS / 2;
        const [trip_id, telemetry_id] = [randomUUID(), randomUUID()];
        const ids = { device_id, provider_id };
        yield recordOf(
          'telemetry',
          { ...ids, telemetry_id, timestamp, trip_ids: null, journey_id: null, location },
          timestamp,
        );
        yield recordOf(
          'vehicle-events',
          {
            ...ids,
            event_id: randomUUID(),
            vehicle_state: 'available',
            event_types: ['service_start'],
            timestamp,
            location,
          },
          timestamp,
        );
        yield recordOf(
          'rider-events',
          {
            provider_id,
            event_id: randomUUID(),
            rider_id: randomUUID(),
            trip_id,
            event_type: 'ride_request',
            timestamp,
            location,
            destination: location,
          },
          timestamp,
        );
        const times = {
          start_time: timestamp,
          end_time: timestamp + 600_000,
          duration: 600,
          distance: 1_000,
        };
        yield recordOf(
          'trips',
          { ...ids, trip_id, ...times, start_location: location, end_location: location },
          timestamp + 600_000,
        );
      }
    })(),
  );
}

function recordOf<Name extends FamilyName>(
  name: Name,
  event: EventOf<Name>,
  timestampMs: number,
): OutgoingRecord {
  const { topic, key } = eventRegistry.byName.get(name)!;
  return {
    topic: topic.name,
    key: key(event as never),
    value: Buffer.from(JSON.stringify(event)),
    timestampMs,
  };
}
