import { randomUUID } from 'node:crypto';
import { telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { Random } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  makeVehicleEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
  type TestRecord,
} from './_util.js';

const HOUR_MS = 3_600_000;
const PROVIDERS = [PROVIDER, 'f7b2c3d4-0000-4000-8000-000000000002'];
const TOPICS = [telemetryFamily.topic.name, vehicleEventFamily.topic.name];
const KEYS = Array.from({ length: 8 }, () => randomUUID());
const never = new AbortController().signal;

let broker: TestBroker;
let database: TestDatabase;

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await Promise.all([broker[Symbol.asyncDispose](), database[Symbol.asyncDispose]()]);
});

interface SentEvent {
  readonly topic: string;
  readonly key: string;
  readonly id: string;
  readonly providerId: string;
  readonly timeMs: number;
  /** Whether repeats have the same time. They may then have another key: which of them is first does not matter. */
  readonly hasFixedTime: boolean;
}

function recordOf({ topic, key, id, providerId, timeMs }: SentEvent): TestRecord {
  const given = { device_id: key, provider_id: providerId, timestamp: timeMs };
  return topic === telemetryFamily.topic.name
    ? { key, value: makeTelemetry({ ...given, telemetry_id: id }) }
    : { key, value: makeVehicleEvent({ ...given, event_id: id }) };
}

/** Events of which many repeat an earlier one. */
class RepeatingDevices {
  private readonly earlier: SentEvent[] = [];

  constructor(private readonly random: Random) {}

  next(): SentEvent {
    const event = this.random.chance(0.5) && this.earlier.length > 0 ? this.repeat() : this.newEvent();
    this.earlier.push(event);
    return event;
  }

  private repeat(): SentEvent {
    const event = this.random.pick(this.earlier);
    // Another provider may use the same id.
    if (this.random.chance(0.2)) return { ...event, providerId: this.random.pick(PROVIDERS) };
    return event.hasFixedTime
      ? { ...event, key: this.random.pick(KEYS) }
      : { ...event, timeMs: this.timeMs() };
  }

  private newEvent(): SentEvent {
    const [topic, key, providerId] = [
      this.random.pick(TOPICS),
      this.random.pick(KEYS),
      this.random.pick(PROVIDERS),
    ];
    const hasFixedTime = this.random.chance(0.5);
    return { topic, key, providerId, id: randomUUID(), timeMs: this.timeMs(), hasFixedTime };
  }

  /** Within 12 hours around a midnight. */
  private timeMs(): number {
    return YESTERDAY - 6 * HOUR_MS + this.random.below(12 * HOUR_MS);
  }
}

/** The number of records that follow another one with their provider and id, by topic, provider and a length of time. */
function countRepeats(events: readonly SentEvent[], lengthMs: number): Record<string, number> {
  const known = new Set<string>();
  const counts: Record<string, number> = {};
  for (const { topic, providerId, id, timeMs } of events) {
    const event = `${topic} ${providerId} ${id}`;
    const group = `${topic} ${providerId} ${new Date(timeMs - (timeMs % lengthMs)).toISOString()}`;
    if (known.has(event)) counts[group] = (counts[group] ?? 0) + 1;
    known.add(event);
  }
  return counts;
}

async function appendEvents(events: readonly SentEvent[]): Promise<void> {
  for (const topic of TOPICS) {
    await append(broker, topic, events.filter((event) => event.topic === topic).map(recordOf));
  }
}

async function load(settings: { chunkRecords?: number } = {}) {
  await using runner = await createLoadRunner(broker, database, settings);
  return await runner.load(never);
}

async function storedHours(): Promise<Record<string, number>> {
  const rows = await database.query<{ topic: string; provider_id: string; hour: Date; records: number }>(
    'SELECT topic, provider_id, hour, sum(records)::integer AS records FROM ride.duplicates GROUP BY 1, 2, 3',
  );
  return Object.fromEntries(
    rows.map(({ topic, provider_id, hour, records }) => [
      `${topic} ${provider_id} ${hour.toISOString()}`,
      records,
    ]),
  );
}

describe('ride.duplicates', () => {
  it.each([1, 2])(
    'counts each repeated record once, within chunks, across chunks, loads and processes (seed %i)',
    async (seed) => {
      const devices = new RepeatingDevices(new Random(seed));
      const sent: SentEvent[] = [];
      let duplicates = 0;
      for (const [count, chunkRecords] of [
        [300, 7],
        [500, 1_000],
        [400, 20],
      ] as const) {
        const events = Array.from({ length: count }, () => devices.next());
        sent.push(...events);
        await appendEvents(events);
        // Two processes share the partitions.
        const loads = await Promise.all([load({ chunkRecords }), load({ chunkRecords })]);
        for (const each of loads) duplicates += each.duplicates;
        expect(await storedHours()).toEqual(countRepeats(sent, HOUR_MS));
      }
      const expected = Object.values(countRepeats(sent, HOUR_MS)).reduce((sum, each) => sum + each, 0);
      expect(expected).toBeGreaterThan(300);
      expect(duplicates).toBe(expected);

      const byDay = new Map<string, number>();
      for (const [group, records] of Object.entries(countRepeats(sent, DAY_MS))) {
        const [, providerId, day] = group.split(' ');
        const key = `${day!.slice(0, 10)} ${providerId}`;
        byDay.set(key, (byDay.get(key) ?? 0) + records);
      }
      expect(byDay.size).toBe(4);
      const days = await database.query<{ day: string; provider_id: string; duplicates: string }>(
        'SELECT day::text, provider_id, duplicates FROM analysis.data_quality',
      );
      expect(
        new Map(
          days.map(({ day, provider_id, duplicates: each }) => [`${day} ${provider_id}`, Number(each)]),
        ),
      ).toEqual(byDay);
    },
  );

  it('does not count records that were rejected, and those that a backfill finds loaded', async () => {
    const point = makeTelemetry();
    const invalid = { ...makeTelemetry(), location: 'somewhere' };
    await append(
      broker,
      telemetryFamily.topic.name,
      [point, invalid, invalid, point].map((value) => ({ key: 'k', value })),
    );
    expect(await load()).toMatchObject({ rows: 1, duplicates: 1, rejects: 2 });
    await using runner = await createLoadRunner(broker, database);
    const range = { from: { kind: 'earliest' }, to: { kind: 'latest' } } as const;
    const topic = telemetryFamily.topic.name;
    expect(await runner.backfill({ topic, partition: undefined, ...range, isDryRun: false })).toMatchObject({
      rows: 0,
      duplicates: 2,
    });
    await runner.retryRejects();
    expect(await database.one('SELECT sum(records)::integer FROM ride.duplicates')).toBe(1);
  });

  it('counts nothing of a transaction that failed', async () => {
    const point = makeTelemetry();
    await append(
      broker,
      telemetryFamily.topic.name,
      [point, point, point].map((value) => ({ key: 'k', value })),
    );
    await using runner = await createLoadRunner(broker, database);
    await runner.migrate();
    // The first attempt to move the position fails.
    await database.query(
      `CREATE SEQUENCE public.attempts;
       CREATE FUNCTION public.fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('public.attempts') = 1 THEN RAISE EXCEPTION 'first attempt' USING ERRCODE = '40001'; END IF;
         RETURN NEW; END $$;
       CREATE TRIGGER fail_once BEFORE UPDATE OF next_offset ON ride.log_positions FOR EACH ROW
         WHEN (NEW.topic = '${telemetryFamily.topic.name}' AND NEW.next_offset > 0) EXECUTE FUNCTION public.fail_once()`,
    );
    expect(await runner.load(never)).toMatchObject({ rows: 1, duplicates: 2 });
    expect(await database.one(`SELECT last_value > 1 FROM public.attempts`)).toBe(true);
    expect(await database.one('SELECT sum(records)::integer FROM ride.duplicates')).toBe(2);
  });
});
