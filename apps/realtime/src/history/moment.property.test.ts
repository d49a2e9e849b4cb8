import { eventRegistry } from '@hailstream/events';
import type { HistoryOrder } from '@hailstream/events/live';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../encoding/byte-reader.js';
import { ByteWriter } from '../encoding/byte-writer.js';
import { CityState, timeOf } from '../fold/city-state.js';
import { id, NOW, PROVIDER, telemetry } from '../fold/events.fixture.js';
import { received, type Received } from '../fold/received.fixture.js';
import { MANY_PACKS, reread, writeCity, type WrittenCity } from '../fold/written-city.fixture.js';
import {
  decodeLateEvents,
  encodeLateEvents,
  LateBlockError,
  type LateEvent,
} from '../late-events/late-event.js';
import { LogIndex, writeChanges, type Chunk, type Offsets } from '../log/log-index.js';
import { stateOf } from '../views/city-view.fixture.js';
import { Moment, type LateEvents } from './moment.js';

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

/** Records are far apart, so that most of them have a chunk of their own. */
const OFFSETS_APART = 100;

interface Keyframe {
  readonly city: WrittenCity;
  readonly offsets: Offsets;
  readonly latest: CityState['latest'];
  /** The block of late events before it. */
  readonly late: Buffer;
}

const topicOf = ({ input }: LoggedRecord): string => eventRegistry.byName.get(input.kind)!.topic.name;

/** A log that is folded and indexed as realtime does, with keyframes at some positions. */
function recordLog(log: readonly LoggedRecord[], keyframesAt: ReadonlySet<number>) {
  const city = new CityState(MANY_PACKS);
  const index = new LogIndex();
  index.enable();
  index.keepsLate = true;
  const offsets: Record<string, Record<number, number>> = {};
  const keyframes: Keyframe[] = [];
  const changes: Buffer[] = [];
  const keep = (): void => {
    const cut = index.cut();
    keyframes.push({
      city: writeCity(city),
      offsets: structuredClone(offsets),
      latest: city.latest,
      late: encodeLateEvents(cut.late),
    });
    const to = new ByteWriter();
    writeChanges(to, cut);
    changes.push(to.finish());
    index.confirm(cut);
  };
  keep();
  for (const [at, record] of log.entries()) {
    const { input, receivedAt, partition } = record;
    const topic = topicOf(record);
    const ofTopic = (offsets[topic] ??= {});
    const offset = ofTopic[partition] ?? 0;
    city.fold(input, { receivedAt, now: NOW });
    if (at % 7 === 0) city.forget();
    index.note({
      topic,
      partition,
      offset,
      providerId: input.event.provider_id,
      event: timeOf(input, receivedAt),
      received: receivedAt,
      value: Buffer.from(JSON.stringify(input.event)),
    });
    ofTopic[partition] = offset + OFFSETS_APART;
    if (keyframesAt.has(at)) keep();
  }
  return { index, keyframes, changes };
}

/** The late events that follow a keyframe; damaged blocks cannot be read. */
function lateAfter(
  { index, keyframes }: Pick<ReturnType<typeof recordLog>, 'index' | 'keyframes'>,
  { keyframe, isDamaged }: { readonly keyframe: Keyframe; readonly isDamaged: boolean },
): LateEvents[] {
  const toLate = (events: readonly LateEvent[]): LateEvents => ({
    earliest: Math.min(...events.map(({ time }) => time)),
    read: () => (isDamaged ? Promise.reject(new LateBlockError('damaged')) : Promise.resolve(events)),
  });
  const blocks = keyframes.slice(keyframes.indexOf(keyframe) + 1).map(({ late }) => decodeLateEvents(late));
  return [...blocks, index.late].map(toLate);
}

/** Opens a moment from the newest keyframe without later events, over the records themselves. */
function openMoment(
  by: HistoryOrder,
  {
    log,
    recorded,
    first,
    isDamaged = false,
  }: {
    log: readonly LoggedRecord[];
    recorded: Pick<ReturnType<typeof recordLog>, 'index' | 'keyframes'>;
    first: number;
    isDamaged?: boolean;
  },
  filter: string | null = null,
): { moment: Moment; readCount: () => number } {
  const { index, keyframes } = recorded;
  const keyframe = keyframes.findLast(({ latest }) => (latest[by] ?? Number.NEGATIVE_INFINITY) <= first)!;
  let known: { usedLate: boolean; until: number; ends: Offsets } | undefined;
  let count = 0;
  const moment = new Moment(by, filter, {
    find: async (until, usesLate) => {
      const before = known?.usedLate === usesLate ? known : undefined;
      const isByLate = by === 'event' && usesLate;
      const chunks = index.chunksUntil(isByLate ? 'onTime' : by, {
        from: keyframe.offsets,
        until,
        ...(before && { known: before }),
      });
      known = { usedLate: usesLate, until, ends: index.ends() };
      return { chunks, late: isByLate && !before ? lateAfter(recorded, { keyframe, isDamaged }) : [] };
    },
    read: async (chunks, use) => {
      const next = new Map<string, number>();
      for (const record of log) {
        const name = `${topicOf(record)}-${record.partition}`;
        const offset = next.get(name) ?? 0;
        next.set(name, offset + OFFSETS_APART);
        const isWithin = ({ topic, partition, from, to }: Chunk): boolean =>
          name === `${topic}-${partition}` && offset >= from && offset < to;
        if (!chunks.some(isWithin)) continue;
        count += 1;
        use(record);
      }
    },
  });
  moment.city.read(new ByteReader(keyframe.city.bytes), reread(keyframe.city.packs), filter);
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
    'is the fold of all records whose time by %s is not after it, whatever the keyframes, and whether late events can be read',
    async (by) => {
      await fc.assert(
        fc.asyncProperty(records, fc.array(fc.nat(120)), moments, fc.boolean(), async (...values) => {
          const [all, keyframesAt, at, isDamaged] = values;
          const log = all.filter(isRecent);
          const recorded = recordLog(log, new Set(keyframesAt));
          const ascending = at.toSorted((a, b) => a - b);
          const { moment } = openMoment(by, { log, recorded, first: ascending[0]!, isDamaged });
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

  it('does not read the log for events that are a little late', async () => {
    const at = (seconds: number): number => NOW - 3_600_000 + seconds * 1_000;
    const log = Array.from({ length: 100 }, (_, n) => ({
      input: telemetry({ device_id: id(1 + (n % 7)), timestamp: at(n % 10 === 9 ? n - 120 : n) }),
      receivedAt: at(n),
      partition: 0,
    }));
    const recorded = recordLog(log, new Set([10]));
    const { moment, readCount } = openMoment('event', { log, recorded, first: at(20) });
    await moment.advance(at(20));
    expect(readCount()).toBeLessThan(20);
    expect(viewOf(moment.city, at(20))).toEqual(viewOf(foldUntil(log, 'event', at(20)), at(20)));
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
