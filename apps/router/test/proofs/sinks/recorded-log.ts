import { eventRegistry, telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import type { Random } from '@hailstream/service/testing';
import { connectionTo, HOUR_MS, silent } from '../../_util.js';

export const FAMILIES = [telemetryFamily, vehicleEventFamily];
const VEHICLES = 2_000;
const STEP_MS = 10;
const BATCH_RECORDS = 5_000;
const VEHICLE_EVENTS = 0.1;
/** A device repeats an event whose acknowledgement was lost. */
const REPEATS = 0.01;
const LATE = 0.005;
const MAX_LATE_HOURS = 20;
const UNREADABLE = 0.0001;
/** How long ago the last record was received, so that the last block of each partition is complete. */
const AGE_MS = 2 * HOUR_MS;

/** A record of the log: the number of its event. */
interface ExpectedRecord {
  readonly event: number;
  readonly kind: 'first' | 'repeat' | 'unreadable';
}

/** What was appended, by topic, partition and offset. */
export class RecordedLog {
  /** Records of each partition, in the order of their offsets; keys are `TOPIC/PARTITION`. */
  readonly partitions = new Map<string, ExpectedRecord[]>();
  records = 0;
  /** Events that a record has, without repeats and unreadable values. */
  events = 0;
  unreadable = 0;

  recordAt(topic: string, partition: number, offset: number): ExpectedRecord {
    const record = this.partitions.get(`${topic}/${partition}`)?.[offset];
    if (record === undefined) throw new Error(`${topic}/${partition}/${offset} is not in the log`);
    return record;
  }

  add(
    topic: string,
    place: { readonly partition: number; readonly offset: bigint },
    record: ExpectedRecord,
  ): void {
    const name = `${topic}/${place.partition}`;
    const records = this.partitions.get(name) ?? [];
    if (Number(place.offset) !== records.length)
      throw new Error(`${name}: offset ${place.offset} is not the next one`);
    records.push(record);
    this.partitions.set(name, records);
    this.records += 1;
    if (record.kind === 'first') this.events += 1;
    if (record.kind === 'unreadable') this.unreadable += 1;
  }
}

interface Appended {
  readonly topic: string;
  readonly key: string;
  readonly value: string;
  readonly timestampMs: number;
  readonly record: ExpectedRecord;
}

/** Appends telemetry and vehicle events of a city, some of them late, repeated or unreadable. */
export async function appendRecordedLog(
  broker: { readonly address: string },
  { records, random }: { readonly records: number; readonly random: Random },
): Promise<RecordedLog> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger: silent });
  const log = new RecordedLog();
  const city = new City(random, Math.floor((Date.now() - AGE_MS - records * STEP_MS) / HOUR_MS) * HOUR_MS);
  while (log.records < records) {
    const batch = Array.from({ length: Math.min(BATCH_RECORDS, records - log.records) }, () => city.next());
    const results = await producer.send(
      batch.map(({ topic, key, value, timestampMs }) => ({ topic, key, value, timestampMs })),
    );
    for (const [index, result] of results.entries()) {
      if (result.kind === 'failed') throw result.error;
      log.add(batch[index]!.topic, result, batch[index]!.record);
    }
  }
  return log;
}

/** The number of an event, from its id. */
export function eventNumber(id: string): number {
  return Number.parseInt(id.slice(-12), 16);
}

class City {
  private readonly vehicles: { lat: number; lng: number }[];
  private readonly last = new Map<number, Appended>();
  private events = 0;

  constructor(
    private readonly random: Random,
    private nowMs: number,
  ) {
    this.vehicles = Array.from({ length: VEHICLES }, () => ({
      lat: 43.72 + random.fraction() / 20,
      lng: 7.4 + random.fraction() / 20,
    }));
  }

  next(): Appended {
    this.nowMs += STEP_MS;
    const { random, nowMs } = this;
    const vehicle = random.below(VEHICLES);
    const last = this.last.get(vehicle);
    if (last && random.chance(REPEATS)) {
      return { ...last, timestampMs: nowMs, record: { event: last.record.event, kind: 'repeat' } };
    }
    const event = this.events;
    this.events += 1;
    const family = FAMILIES[random.chance(VEHICLE_EVENTS) ? 1 : 0]!;
    const topic = family.topic.name;
    const key = `0197a1c5-0000-7000-8000-${String(vehicle).padStart(12, '0')}`;
    if (random.chance(UNREADABLE)) {
      const value = `not JSON: ${idOf(event)}`;
      return { topic, key, value, timestampMs: nowMs, record: { event, kind: 'unreadable' } };
    }
    const location = this.vehicles[vehicle]!;
    location.lat += (random.fraction() - 0.5) / 5_000;
    location.lng += (random.fraction() - 0.5) / 5_000;
    const lateMs = random.chance(LATE) ? random.below(MAX_LATE_HOURS * HOUR_MS) : random.below(1_000);
    const value = JSON.stringify({
      ...family.example,
      device_id: key,
      [family.fields.id]: idOf(event),
      [family.fields.time]: nowMs - lateMs,
      location: { ...family.example.location, ...location },
    });
    const appended: Appended = { topic, key, value, timestampMs: nowMs, record: { event, kind: 'first' } };
    this.last.set(vehicle, appended);
    return appended;
  }
}

function idOf(event: number): string {
  return `0197a1c6-0000-7000-8000-${event.toString(16).padStart(12, '0')}`;
}
