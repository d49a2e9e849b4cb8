import type { AuditRecord } from '@hailstream/events/audit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CityEvent } from '../fold/city-state.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  telemetry,
  tripReport,
  vehicleEvent,
} from '../fold/events.fixture.js';
import { Feeds, MAX_FEEDS } from './feeds.js';

const MINUTE = 60_000;
const monaco = { west: 7.4, south: 43.7, east: 7.5, north: 43.8 };

interface Note {
  readonly input: CityEvent;
  readonly receivedAt: number;
}

function feedsOf(notes: readonly Note[], audits: readonly AuditRecord[] = []): Feeds {
  const feeds = new Feeds([monaco]);
  for (const { input, receivedAt } of notes) feeds.note(input, receivedAt);
  for (const record of audits) feeds.noteAudit(record);
  return feeds;
}

const audit = (change: Partial<AuditRecord> = {}): AuditRecord => ({
  stage: 'ingest',
  process_id: id(900),
  minute: Math.floor(NOW / MINUTE) * MINUTE,
  topic: 'ride.telemetry',
  provider_id: PROVIDER,
  accepted: 90,
  rejected: [{ reason: 'timestamp-in-seconds', count: 10 }],
  ...change,
});

/** Points of a vehicle that drives north, one a second, received after 400 ms. */
const points = (count: number, change: object = {}): Note[] =>
  Array.from({ length: count }, (_, n) => {
    const timestamp = NOW - (count - n) * 1_000;
    const location = { lat: 43.72 + n * 8e-5, lng: 7.42, speed: 8.9 };
    return { input: telemetry({ timestamp, location, ...change }), receivedAt: timestamp + 400 };
  });

describe(Feeds, () => {
  it('measures rates and lateness of the last minute', () => {
    const [feed] = feedsOf(points(600)).list(NOW, null).feeds;
    const [minute, , hour] = feed!.windows;
    expect(minute!.eventsPerSecond['ride.telemetry']).toBeCloseTo(1, 0);
    expect(minute!.lateness.p50).toBeGreaterThan(350);
    expect(minute!.lateness.p50).toBeLessThan(470);
    expect(hour!.events).toBe(600);
    expect(feed).toMatchObject({ provider_id: PROVIDER, status: 'healthy', vehicles: 1, findings: [] });
  });

  it('counts an event that is received twice as a duplicate, and another event with its id as a reused id', () => {
    const [first] = points(1);
    const again = { ...first!, receivedAt: NOW };
    const other = {
      input: telemetry({ ...first!.input.event, timestamp: NOW - 200 } as object),
      receivedAt: NOW,
    };
    const [feed] = feedsOf([first!, again, other]).list(NOW, null).feeds;
    expect(feed!.windows[0]).toMatchObject({ events: 3, duplicateShare: 1 / 3, reusedIdShare: 1 / 3 });
  });

  it('measures the lateness from publication_time', () => {
    const input = vehicleEvent({ timestamp: NOW - 60_000, publication_time: NOW - 2_000 });
    const [feed] = feedsOf([{ input, receivedAt: NOW }]).list(NOW, null).feeds;
    expect(feed!.windows[0]!.publicationLateness.p50).toBeGreaterThan(1_600);
    expect(feed!.windows[0]!.publicationLateness.p50).toBeLessThan(2_400);
    expect(feed!.windows[0]!.lateness.p50).toBeGreaterThan(50_000);
  });

  it('counts fares in whole units', () => {
    const input = tripReport({ actual_cost: 12, currency: 'EUR', distance: 4_000 });
    const [feed] = feedsOf([{ input, receivedAt: NOW }]).list(NOW, null).feeds;
    expect(feed!.windows[0]!.fareScaleShare).toBe(1);
  });

  it('has the rejected items of ingest, each minute and process once', () => {
    const feeds = feedsOf([], [audit(), audit(), audit({ process_id: id(901), accepted: 0 })]);
    const [feed] = feeds.list(NOW, null).feeds;
    expect(feed!.windows[1]).toMatchObject({
      received: 110,
      rejectedShare: 20 / 110,
      rejectedByReason: [{ reason: 'timestamp-in-seconds', count: 20 }],
    });
    expect(feed!.findings).toMatchObject([
      { finding: 'timestamp-in-seconds', severity: 'error', fix: 'Multiply by 1,000.' },
    ]);
  });

  it('says since when a finding holds', () => {
    const healthy = points(600).map(({ input, receivedAt }) => ({
      input,
      receivedAt: receivedAt - 5 * MINUTE,
    }));
    const early = healthy.map(({ input, receivedAt }) => ({
      input: { ...input, event: { ...input.event, timestamp: receivedAt - 400 } } as CityEvent,
      receivedAt,
    }));
    const ahead = points(300).map(({ input, receivedAt }) => ({
      input: { ...input, event: { ...input.event, timestamp: receivedAt + 60_000 } } as CityEvent,
      receivedAt,
    }));
    const [feed] = feedsOf([...early, ...ahead]).list(NOW, null).feeds;
    const [finding] = feed!.findings;
    expect(finding).toMatchObject({ finding: 'clock-ahead', severity: 'warning' });
    expect(Math.abs(finding!.since - (NOW - 5 * MINUTE))).toBeLessThanOrEqual(MINUTE);
  });

  it('shows a token with a provider nothing of others', () => {
    const others = points(30, { provider_id: OTHER_PROVIDER });
    const feeds = feedsOf([...points(30), ...others]);
    expect(feeds.list(NOW, PROVIDER).feeds.map(({ provider_id: provider }) => provider)).toEqual([PROVIDER]);
    expect(feeds.list(NOW, null).feeds).toHaveLength(2);
  });

  it('counts the audit records of the last hour that could not be read', () => {
    const feeds = feedsOf([]);
    feeds.noteUnreadableAudits(2, NOW - 30 * MINUTE);
    feeds.noteUnreadableAudits(3, NOW);
    expect(feeds.list(NOW, null).unreadableAuditRecords).toBe(5);
    feeds.forget(NOW + 40 * MINUTE);
    expect(feeds.list(NOW + 40 * MINUTE, PROVIDER).unreadableAuditRecords).toBe(3);
    feeds.clear();
    expect(feeds.list(NOW, null).unreadableAuditRecords).toBe(0);
  });

  it('measures a bounded number of providers, and says that there are more', () => {
    const notes = Array.from({ length: MAX_FEEDS + 5 }, (_, n) => ({
      input: telemetry({ provider_id: id(5_000 + n) }),
      receivedAt: NOW,
    }));
    const feeds = feedsOf(notes);
    expect(feeds.list(NOW, null)).toMatchObject({ unmeasured: true, feeds: { length: MAX_FEEDS } });
    expect(feeds.list(NOW, id(5_001)).unmeasured).toBe(false);
    feeds.forget(NOW + 25 * 60 * MINUTE);
    expect(feeds.list(NOW, null).feeds).toEqual([]);
  });
});

/** Records by partition: the log preserves their order within a partition only. */
const partitions = fc.array(
  fc.array(
    fc.record({
      device: fc.nat(2),
      kind: fc.constantFrom('point', 'state', 'trip'),
      age: fc.nat(120_000),
      again: fc.boolean(),
    }),
    {
      maxLength: 25,
    },
  ),
  { minLength: 2, maxLength: 4 },
);

describe('the measures', () => {
  it('are the same for any order of the partitions, and of audit records', () => {
    const property = fc.property(partitions, fc.infiniteStream(fc.nat(1_000)), (drawn, choices) => {
      const queues = drawn.map((events, partition) => events.flatMap((event) => notesOf(event, partition)));
      const audits = drawn.map((events, n) =>
        audit({ accepted: events.length, process_id: id(900 + (n % 2)) }),
      );
      const inOrder = feedsOf(queues.flat(), audits);
      const mixed = feedsOf(interleave(queues, choices), audits.toReversed());
      expect(mixed.list(NOW, null)).toEqual(inOrder.list(NOW, null));
    });
    fc.assert(property, { numRuns: 200 });
  });
});

/** Events of vehicles of one partition. A device is in one partition of each topic. */
function notesOf(
  event: { device: number; kind: string; age: number; again: boolean },
  partition: number,
): Note[] {
  const device = id(100 * (partition + 1) + event.device);
  const timestamp = NOW - event.age;
  const input =
    event.kind === 'point'
      ? telemetry({
          device_id: device,
          timestamp,
          location: { lat: 43.7 + event.age / 1e7, lng: 7.42, speed: event.age % 30 },
        })
      : event.kind === 'state'
        ? vehicleEvent({ device_id: device, timestamp })
        : tripReport({
            device_id: device,
            trip_id: id(10_000 * (partition + 1) + event.age),
            end_time: timestamp,
            actual_cost: event.age % 50,
          });
  const note = { input, receivedAt: timestamp + (event.age % 9_000) };
  return event.again ? [note, { ...note, receivedAt: NOW }] : [note];
}

function interleave(queues: readonly (readonly Note[])[], choices: Iterator<number>): Note[] {
  const rest = queues.map((queue) => [...queue]);
  const mixed: Note[] = [];
  for (;;) {
    const open = rest.filter((queue) => queue.length > 0);
    if (open.length === 0) return mixed;
    mixed.push(open[choices.next().value! % open.length]!.shift()!);
  }
}
