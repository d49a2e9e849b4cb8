import type { HistoryOrder } from '@hailstream/events/live';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { CityState, timeOf } from '../fold/city-state.js';
import { NOW, PROVIDER } from '../fold/events.fixture.js';
import { received, type Received } from '../fold/received.fixture.js';
import { LogIndex, writeChanges, type Chunk, type Offsets } from '../log/log-index.js';
import { stateOf } from '../views/city-view.fixture.js';
import { Moment } from './moment.js';

const TOPIC = 'rides';
const PARTITIONS = 2;

interface LoggedRecord extends Received {
  readonly partition: number;
}

/** Records in the order of the log: mostly close to their receipt, some hours late, and the clocks of ingest differ. */
const records = fc.array(
  fc
    .record({ received, partition: fc.nat(PARTITIONS - 1), skew: fc.integer({ min: -3_000, max: 3_000 }) })
    .map(({ received: { input, receivedAt }, partition, skew }) => ({
      input,
      receivedAt: receivedAt + skew,
      partition,
    })),
  { maxLength: 120 },
);
const moments = fc.array(
  fc.oneof(
    fc.integer({ min: -40, max: 40 }).map((n) => NOW + n * 1_000),
    fc.integer({ min: 0, max: 1_500_000 }).map((n) => NOW - n),
  ),
  { minLength: 1, maxLength: 4 },
);

interface Keyframe {
  readonly city: Buffer;
  readonly offsets: Offsets;
  readonly latest: CityState['latest'];
}

/** A log that is folded and indexed as realtime does, with keyframes at some positions. */
function recordLog(log: readonly LoggedRecord[], keyframesAt: ReadonlySet<number>) {
  const city = new CityState();
  const index = new LogIndex();
  index.enable();
  const offsets: number[] = Array.from({ length: PARTITIONS }, () => 0);
  const keyframes: Keyframe[] = [];
  const changes: Buffer[] = [];
  const keep = (): void => {
    const bytes = new ByteWriter();
    for (const _ of city.write(bytes));
    keyframes.push({
      city: bytes.finish(),
      offsets: { [TOPIC]: Object.fromEntries(offsets.entries()) },
      latest: city.latest,
    });
    const to = new ByteWriter();
    writeChanges(to, index.cut());
    changes.push(to.finish());
  };
  keep();
  for (const [at, { input, receivedAt, partition }] of log.entries()) {
    city.fold(input, { receivedAt, now: NOW });
    if (at % 7 === 0) city.forget();
    index.note({
      topic: TOPIC,
      partition,
      // Far apart, so that most records have a chunk of their own.
      offset: offsets[partition]! * 100,
      providerId: input.event.provider_id,
      event: timeOf(input, receivedAt),
      received: receivedAt,
    });
    offsets[partition]! += 1;
    if (keyframesAt.has(at)) keep();
  }
  return { index, keyframes, changes };
}

/** Opens a moment from the newest keyframe without later events, over the records themselves. */
function openMoment(
  by: HistoryOrder,
  {
    log,
    recorded,
    first,
  }: { log: readonly LoggedRecord[]; recorded: ReturnType<typeof recordLog>; first: number },
  filter: string | null = null,
): { moment: Moment; readCount: () => number } {
  const { index, keyframes } = recorded;
  const keyframe = keyframes.findLast(({ latest }) => (latest[by] ?? Number.NEGATIVE_INFINITY) <= first)!;
  const from = Object.fromEntries(
    Object.entries(keyframe.offsets[TOPIC]!).map(([partition, next]) => [partition, next * 100]),
  );
  let known: { until: number; ends: Offsets } | undefined;
  let count = 0;
  const moment = new Moment(by, filter, {
    find: async (until) => {
      const chunks = index.chunksUntil(by, { from: { [TOPIC]: from }, until, ...(known && { known }) });
      known = { until, ends: index.ends() };
      return chunks;
    },
    read: async (chunks, use) => {
      for (const { partition, from: start, to } of chunks as Chunk[]) {
        const ofPartition = log.filter((each) => each.partition === partition);
        for (const [at, each] of ofPartition.entries()) {
          if (at * 100 < start || at * 100 >= to) continue;
          count += 1;
          use(each);
        }
      }
    },
  });
  moment.city.read(new ByteReader(keyframe.city));
  return { moment, readCount: () => count };
}

/** The independent model: every record of the log whose time is not after the moment. */
function foldUntil(log: readonly LoggedRecord[], by: HistoryOrder, at: number): CityState {
  const city = new CityState();
  for (const { input, receivedAt } of log) {
    const time = by === 'event' ? timeOf(input, receivedAt) : receivedAt;
    if (time !== null && time <= at) city.fold(input, { receivedAt, now: NOW });
  }
  return city;
}

/** Without trips whose events are further apart than the time for which trips are kept. */
function viewOf(city: CityState, at: number) {
  city.forget();
  const { totals: _, ...view } = stateOf(city, at);
  return view;
}

const HOUR_MS = 3_600_000;
const isRecent = ({ input, receivedAt }: LoggedRecord): boolean =>
  (timeOf(input, receivedAt) ?? 0) > NOW - 5 * HOUR_MS;

describe('a moment', { timeout: 120_000 }, () => {
  it.each(['event', 'received'] as const)(
    'is the fold of all records whose time by %s is not after it, whatever the keyframes',
    async (by) => {
      await fc.assert(
        fc.asyncProperty(records, fc.array(fc.nat(120)), moments, async (all, keyframesAt, at) => {
          const log = all.filter(isRecent);
          const recorded = recordLog(log, new Set(keyframesAt));
          const ascending = at.toSorted((a, b) => a - b);
          const { moment } = openMoment(by, { log, recorded, first: ascending[0]! });
          for (const each of ascending) {
            await moment.advance(each);
            expect(viewOf(moment.city, each)).toEqual(viewOf(foldUntil(log, by, each), each));
          }
        }),
        { numRuns: 200 },
      );
    },
  );

  it('includes the events of one provider only if it is selected', async () => {
    await fc.assert(
      fc.asyncProperty(records, moments, async (all, [at]) => {
        const log = all.filter(isRecent);
        const recorded = recordLog(log, new Set());
        const { moment } = openMoment('event', { log, recorded, first: at! }, PROVIDER);
        await moment.advance(at!);
        const own = log.filter(({ input }) => input.event.provider_id === PROVIDER);
        expect(viewOf(moment.city, at!)).toEqual(viewOf(foldUntil(own, 'event', at!), at!));
      }),
      { numRuns: 50 },
    );
  });

  it('is found with an index that was written and read in parts', async () => {
    await fc.assert(
      fc.asyncProperty(records, fc.array(fc.nat(120)), moments, async (all, keyframesAt, [at]) => {
        const log = all.filter(isRecent);
        const recorded = recordLog(log, new Set([...keyframesAt, log.length - 1]));
        const index = new LogIndex();
        for (const bytes of recorded.changes) index.read(new ByteReader(bytes));
        const { moment } = openMoment('event', { log, recorded: { ...recorded, index }, first: at! });
        await moment.advance(at!);
        expect(viewOf(moment.city, at!)).toEqual(viewOf(foldUntil(log, 'event', at!), at!));
        const minutes = { from: NOW - 12 * HOUR_MS, stepMs: HOUR_MS, intervals: 24 };
        expect(index.activity.counts('event', minutes, null)).toEqual(
          recorded.index.activity.counts('event', minutes, null),
        );
      }),
      { numRuns: 100 },
    );
  });
});
