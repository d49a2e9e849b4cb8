import { eventRegistry, telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import type { Random } from '@hailstream/service/testing';
import { connectionTo, HOUR_MS, silent } from '../../_util.js';
import { randomMovements, recordedMovements } from './movements.js';

export const FAMILIES = [telemetryFamily, vehicleEventFamily];
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

interface LogOptions {
  readonly records: number;
  readonly random: Random;
  /** A file for {@link recordedMovements}. @default vehicles move at random */
  readonly recording: string | undefined;
}

/** Appends telemetry and vehicle events of a city, some of them late, repeated or unreadable. */
export async function appendRecordedLog(
  broker: { readonly address: string },
  { records, random, recording }: LogOptions,
): Promise<RecordedLog> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger: silent });
  const log = new RecordedLog();
  const period = { count: records, endMs: Date.now() - AGE_MS };
  const movements = recording ? await recordedMovements(recording, period) : randomMovements(random, period);
  const city = new City(random, movements);
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
  private readonly last = new Map<number, Appended>();
  private events = 0;

  constructor(
    private readonly random: Random,
    private readonly movements: ReturnType<typeof randomMovements>,
  ) {}

  next(): Appended {
    const { random } = this;
    const movement = this.movements.next();
    if (movement.done) throw new Error('there are no more movements');
    const { vehicle, atMs: nowMs, lat, lng } = movement.value;
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
    const lateMs = random.chance(LATE) ? random.below(MAX_LATE_HOURS * HOUR_MS) : random.below(1_000);
    const value = JSON.stringify({
      ...family.example,
      device_id: key,
      [family.fields.id]: idOf(event),
      [family.fields.time]: nowMs - lateMs,
      location: { ...family.example.location, lat, lng },
    });
    const appended: Appended = { topic, key, value, timestampMs: nowMs, record: { event, kind: 'first' } };
    this.last.set(vehicle, appended);
    return appended;
  }
}

function idOf(event: number): string {
  return `0197a1c6-0000-7000-8000-${event.toString(16).padStart(12, '0')}`;
}
