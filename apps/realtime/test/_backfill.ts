import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { HistoryOrder } from '@hailstream/events/live';
import { createAdmin, createRangeReader, type RangeReader, type TopicIdentity } from '@hailstream/log';
import { Random } from '@hailstream/service/testing';
import { pino } from 'pino';
import type { BackfillTask } from '../src/backfill/backfill-task.js';
import { ByteReader } from '../src/encoding/byte-reader.js';
import { CityState, timeOf, type CityEvent } from '../src/fold/city-state.js';
import {
  id,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  tripReport,
  vehicleEvent,
} from '../src/fold/events.fixture.js';
import { Moment } from '../src/history/moment.js';
import { createReadChunks } from '../src/history/read-chunks.js';
import { KeyframeArchive, offsetsOf } from '../src/archive/keyframe-archive.js';
import { decodeKeyframe, type KeyframeHeader } from '../src/archive/keyframe.js';
import { readTripPack } from '../src/archive/trip-pack-store.js';
import { decodeLateEvents } from '../src/late-events/late-event.js';
import { readLateBlock } from '../src/late-events/late-event-store.js';
import { decodeRecord, decoders } from '../src/log/decode.js';
import { LogIndex } from '../src/log/log-index.js';
import { UnreadableRecords } from '../src/log/unreadable-records.js';
import { stateOf } from '../src/views/city-view.fixture.js';
import { append } from './_util.js';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

interface SentEvent {
  readonly input: CityEvent;
  readonly receivedAt: number;
}

/** A record of the log. */
export interface LoggedEvent extends SentEvent {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** Events of 30 vehicles and their trips, some up to an hour late, some of clocks that are ahead. */
export function hoursOfEvents(options: { hours: number; count: number; now: number }): SentEvent[] {
  const { hours, count, now } = options;
  const source = new Random(7);
  const random = (): number => source.fraction();
  return Array.from({ length: count }, (_, n): SentEvent => {
    const receivedAt = now - hours * HOUR_MS + Math.floor((n / count) * hours * HOUR_MS);
    const lateMs = random() < 0.05 ? Math.floor(random() * HOUR_MS) : Math.floor(random() * 3_000);
    const timestamp = receivedAt - lateMs + (random() < 0.01 ? MINUTE_MS : 0);
    const device_id = id(1 + Math.floor(random() * 30));
    const provider_id = random() < 0.3 ? OTHER_PROVIDER : PROVIDER;
    const trip = Math.floor((n / count) * hours * 20) + Math.floor(random() * 5);
    const trip_id = id(1_000 + trip);
    const location = { lat: 43.7 + random() / 10, lng: 7.4 + random() / 10, speed: random() * 20 };
    const kind = random();
    if (kind < 0.8) return { input: telemetry({ device_id, provider_id, timestamp, location }), receivedAt };
    if (kind < 0.9) {
      const change = { device_id, provider_id, timestamp, location, trip_ids: [trip_id] };
      return { input: vehicleEvent(change), receivedAt };
    }
    if (kind < 0.95) return { input: riderEvent({ provider_id, trip_id, timestamp }), receivedAt };
    const times = { start_time: timestamp - 600_000, end_time: timestamp };
    return { input: tripReport({ provider_id, device_id, trip_id, ...times }), receivedAt };
  });
}

export async function appendAll(brokerAddress: string, events: readonly SentEvent[]): Promise<void> {
  for (let at = 0; at < events.length; at += 500) {
    const part = events.slice(at, at + 500);
    await append(
      brokerAddress,
      part.map(({ input }) => input),
      part.map(({ receivedAt }) => receivedAt),
    );
  }
}

export function readerOf(brokerAddress: string): RangeReader {
  const connection = { brokers: [brokerAddress], clientId: 'test' };
  return createRangeReader({ connection, logger: pino({ level: 'silent' }) });
}

/** Everything that the log has now, by plain reading. */
export async function readLog(brokerAddress: string): Promise<LoggedEvent[]> {
  await using reader = readerOf(brokerAddress);
  const ranges = [...decoders.keys()].map((topic) => {
    return { topic, from: 'earliest', to: 'latest' } as const;
  });
  const logged: LoggedEvent[] = [];
  for await (const { topic, partition, records } of await reader.readRange({ ranges })) {
    for (const { offset, value, timestampMs } of records) {
      const input = decodeRecord(topic, value);
      if (input !== null) logged.push({ topic, partition, offset, input, receivedAt: timestampMs });
    }
  }
  return logged;
}

/** The present end of the log as the task of a thread. */
export async function taskUpToNow(
  brokerAddress: string,
  given: Pick<BackfillTask, 'folder' | 'since' | 'knownSince'>,
): Promise<BackfillTask> {
  await using admin = createAdmin({
    connection: { brokers: [brokerAddress], clientId: 'test' },
    logger: pino({ level: 'silent' }),
  });
  const identities: ReadonlyMap<string, TopicIdentity> = await admin.identities([...decoders.keys()]);
  const topics: Record<string, KeyframeHeader['topics'][string]> = {};
  let clusterId = '';
  for (const [topic, identity] of identities) {
    clusterId = identity.clusterId;
    const ends = [...(await admin.offsets(topic))].map(([partition, { latest }]) => [
      partition,
      String(latest),
    ]);
    const offsets = Object.fromEntries(ends) as Record<number, string>;
    topics[topic] = { topicId: identity.topicId, offsets };
  }
  return { ...given, maxBytes: 100_000_000, clusterId, topics, share: 1 };
}

/** Shows moments from a folder of keyframes, as the service does. */
export class OpenedHistory {
  private constructor(
    private readonly archive: KeyframeArchive,
    private readonly index: LogIndex,
    private readonly reader: RangeReader,
  ) {}

  static async open(folder: string, reader: RangeReader): Promise<OpenedHistory> {
    const index = new LogIndex();
    index.enable();
    const archive = new KeyframeArchive(folder, 100_000_000, index);
    await archive.open((error) => {
      throw error;
    });
    return new OpenedHistory(archive, index, reader);
  }

  get keyframes(): number {
    return this.archive.count;
  }

  get oldest(): KeyframeHeader {
    return this.archive.oldest!;
  }

  async viewAt(by: HistoryOrder, at: number) {
    const { archive, index, reader } = this;
    const { number, file, header } = archive.newestBefore(by, at)!;
    const topicIds = Object.fromEntries(
      Object.entries(header.topics).map(([topic, { topicId }]) => [topic, topicId]),
    );
    const moment = new Moment(by, null, {
      find: async (until, usesLate) => {
        const usesCopies = by === 'event' && usesLate;
        const times = usesCopies ? 'onTime' : by;
        const late = archive.late.list().filter(({ keyframe }) => keyframe > number);
        return {
          chunks: index.chunksUntil(times, { from: offsetsOf(header), until }),
          late: !usesCopies
            ? []
            : late.map((block) => ({
                earliest: block.earliest,
                read: async () => decodeLateEvents(await readLateBlock(archive.late.fileOf(block), block)),
              })),
        };
      },
      read: createReadChunks({ reader, topicIds, unreadable: new UnreadableRecords() }),
    });
    const packs = await Promise.all(header.packs.map((id) => readTripPack(dirname(file), id)));
    const { city } = decodeKeyframe(await readFile(file));
    moment.city.read(new ByteReader(city), new Map(packs.map((pack) => [pack.id, pack])));
    await moment.advance(at);
    return viewOf(moment.city, at);
  }

  close(): Promise<void> {
    return this.archive.close();
  }
}

/** The independent model: every one of the events whose time is not after the moment. */
export function foldUntil(events: readonly SentEvent[], by: HistoryOrder, at: number): CityState {
  const city = new CityState();
  for (const { input, receivedAt } of events) {
    const time = by === 'event' ? timeOf(input, receivedAt) : receivedAt;
    if (time !== null && time <= at) city.fold(input, { receivedAt, now: at });
  }
  return city;
}

export function viewOf(city: CityState, at: number) {
  city.forget();
  const { totals: _, ...view } = stateOf(city, at);
  return view;
}

/** The events from the first offsets on. */
export function eventsFrom(logged: readonly LoggedEvent[], { topics }: KeyframeHeader): LoggedEvent[] {
  return logged.filter(({ topic, partition, offset }) => {
    return offset >= BigInt(topics[topic]?.offsets[partition] ?? 0);
  });
}
