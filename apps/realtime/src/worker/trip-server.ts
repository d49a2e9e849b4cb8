import type { TripSummary } from '@hailstream/events/live';
import type { RangeReader } from '@hailstream/log';
import { closeCodeOf, HistoryError } from '../query/history.errors.js';
import { Erasures, type Erasure } from '../fold/erasures.js';
import { createReadChunks } from '../history/read-chunks.js';
import { decodeRecord } from '../log/decode.js';
import type { Chunk, Offsets } from '../log/log-index.js';
import { UnreadableRecords } from '../log/unreadable-records.js';
import { QueryError } from '../query/query-parameters.js';
import type { CallOf, ReplyOf } from '../threads/thread-calls.js';
import { isOf, occurrenceOf, type Occurrence } from '../trips/occurrence.js';
import { placeAt, placeOf, tripTopics } from '../trips/record-place.js';
import { trackOf, type TrackPoint } from '../trips/track.js';
import type { TimelineRequest, TripCalls, TripLog, TripRequest } from '../trips/trip-calls.js';
import { TripIndex, type IndexedTrip } from '../trips/trip-index.js';
import { TripStory } from '../trips/trip-page.js';
import { vehicleTimeline } from '../trips/vehicle-timeline.js';

/** Maximum time of a request. Pages wait for 10 s. */
const MAX_REQUEST_MS = 8_000;

/** Maximum time of reading the telemetry of a timeline. */
const MAX_TELEMETRY_MS = 6_000;

/** The index of trips, and what is read of the log since it was opened. */
interface OpenLog extends Pick<TripLog, 'topicIds'> {
  /** Their events are left out. */
  readonly erasures: Erasures;
  readonly index: TripIndex;
  /** Of the records that the index was read from. */
  readonly unreadable: UnreadableRecords;
  /** The next offset of each partition. */
  readonly next: Record<string, Record<number, number>>;
}

/** How the records of one request are read. */
interface TripRead {
  readonly unreadable: UnreadableRecords;
  readonly signal: AbortSignal;
}

/** Answers the requests of one worker. Several are answered at a time; one of them at most reads new trips. */
export class TripServer {
  private log: OpenLog | null = null;
  private reading: Promise<void> = Promise.resolve();
  /** The share of the new records that was read, from 0 to 1. */
  private progress = 1;

  constructor(
    private readonly reader: RangeReader,
    private readonly post: (message: ReplyOf<TripCalls>) => void,
  ) {}

  async receive(call: CallOf<TripCalls>): Promise<void> {
    const { id } = call;
    const signal = AbortSignal.timeout(MAX_REQUEST_MS);
    try {
      this.post({ kind: 'done', id, result: await this.answer(call, signal) });
    } catch (error) {
      const field = error instanceof QueryError ? error.field : null;
      const code = signal.aborted ? 'LIMIT_EXCEEDED' : closeCodeOf(error);
      const message =
        error === signal.reason
          ? `reading took more than ${MAX_REQUEST_MS / 1_000} s`
          : (error as Error).message;
      this.post({ kind: 'failed', id, code, field, message });
    }
  }

  private async answer(
    call: CallOf<TripCalls>,
    signal: AbortSignal,
  ): Promise<TripCalls[keyof TripCalls]['result']> {
    switch (call.kind) {
      case 'open':
        this.log = {
          topicIds: call.argument.topicIds,
          erasures: erasuresOf(call.argument.erasures),
          index: new TripIndex(),
          unreadable: new UnreadableRecords(),
          next: copyOf(call.argument.from),
        };
        return null;
      case 'list':
        return this.list(call.argument, signal);
      case 'find':
        await this.readTrips(call.argument.ends, signal);
        return this.found(call.argument).map(({ summary }) => summary);
      case 'page':
        return this.page(call.argument, signal);
      case 'route':
        return this.route(call.argument, signal);
      case 'timeline':
        return this.timeline(call.argument, signal);
    }
  }

  private async list({ ends, query, limit, offset }: TripCalls['list']['argument'], signal: AbortSignal) {
    await this.readTrips(ends, signal);
    const { index, unreadable } = this.requireLog();
    const trips = index.list(query);
    return {
      total: trips.length,
      isCut: index.isCut(query.filter),
      unreadableRecords: unreadable.count,
      trips: trips.slice(offset, offset + limit).map(({ summary }) => summary),
    };
  }

  private found({
    tripId,
    filter,
  }: {
    readonly tripId: string;
    readonly filter: string | null;
  }): IndexedTrip[] {
    return this.requireLog().index.withId(tripId, filter);
  }

  private async page(request: TripRequest, signal: AbortSignal) {
    const unreadable = new UnreadableRecords();
    const read = { unreadable, signal };
    const story = await this.story(request, read);
    if (story === null) return null;
    const { problem, now } = request;
    const track = problem === null ? await this.track(request, story.summary, read) : null;
    return story.page({ track, trackProblem: problem, now, unreadableRecords: unreadable.count });
  }

  private async route(request: TripRequest, signal: AbortSignal) {
    const unreadable = new UnreadableRecords();
    const story = await this.story(request, { unreadable, signal });
    if (story === null) return null;
    const track = await this.track(request, story.summary, { unreadable, signal });
    return story.route(track, { now: request.now, unreadableRecords: unreadable.count });
  }

  private async timeline(request: TimelineRequest, signal: AbortSignal) {
    const { deviceId, providerId, from, to } = request;
    const unreadable = new UnreadableRecords();
    const occurrences = await this.read(request.events, { key: deviceId, providerId, unreadable, signal });
    await this.readTrips(request.ends, signal);
    const query = { text: '', filter: providerId, deviceId, stages: null, from, to };
    const trips = this.requireLog()
      .index.list(query)
      .map(({ summary }) => summary);
    const { telemetry, problem } = await this.telemetry(request, unreadable);
    return vehicleTimeline(request, {
      occurrences: [...occurrences, ...telemetry],
      trips,
      problem,
      unreadableRecords: unreadable.count,
    });
  }

  /**
   * The telemetry of a timeline. If there is too much to read it in time, the timeline is answered without it.
   *
   * @throws HistoryError if the log returns nothing
   */
  private async telemetry(request: TimelineRequest, unreadable: UnreadableRecords) {
    const { deviceId: key, providerId, problem } = request;
    if (problem !== null) return { telemetry: [], problem };
    const signal = AbortSignal.timeout(MAX_TELEMETRY_MS);
    const seconds = `${MAX_TELEMETRY_MS / 1_000} s`;
    const telemetry: Occurrence[] = [];
    try {
      await this.read(request.telemetry, { key, providerId, unreadable, signal }, telemetry);
      return { telemetry, problem: null };
    } catch (error) {
      if (error !== signal.reason) throw error;
      if (telemetry.length > 0) return { telemetry: [], problem: `reading it took more than ${seconds}` };
      throw new HistoryError('LOG_UNREACHABLE', `the log returned no telemetry within ${seconds}`);
    }
  }

  /** The events and reports of a trip; `null` if it is not known. */
  private async story({ tripId, providerId }: TripRequest, read: TripRead): Promise<TripStory | null> {
    const [trip] = this.found({ tripId, filter: providerId });
    if (trip === undefined) return null;
    const occurrences: Occurrence[] = [];
    const chunksOf = (topics: readonly string[]): Chunk[] =>
      trip.places.flatMap((place) => {
        const { topic, partition, offset } = placeAt(place);
        return topics.includes(topic) ? [{ topic, partition, from: offset, to: offset + 1 }] : [];
      });
    const [vehicleTopic, ...tripKeyTopics] = tripTopics;
    for (const deviceId of trip.deviceIds) {
      occurrences.push(
        ...(await this.read(chunksOf([vehicleTopic]), { ...read, key: deviceId, providerId })).filter(
          ({ input }) => input.kind === 'vehicle-events' && (input.event.trip_ids?.includes(tripId) ?? false),
        ),
      );
    }
    occurrences.push(...(await this.read(chunksOf(tripKeyTopics), { ...read, key: tripId, providerId })));
    for (const span of spansOf(chunksOf(tripTopics)))
      read.unreadable.addFrom(this.requireLog().unreadable, span);
    return new TripStory(trip.summary, occurrences);
  }

  private async track(
    { chunks, providerId }: TripRequest,
    { device_id: key }: TripSummary,
    read: TripRead,
  ): Promise<TrackPoint[]> {
    if (key === null) return [];
    return trackOf((await this.read(chunks, { ...read, key, providerId })).filter(isOf('telemetry')));
  }

  /** Adds the events of a provider in records with this key to `occurrences`, and returns them. */
  private async read(
    chunks: readonly Chunk[],
    { key, providerId, unreadable, signal }: TripRead & { readonly key: string; readonly providerId: string },
    occurrences: Occurrence[] = [],
  ): Promise<Occurrence[]> {
    const bytes = Buffer.from(key);
    const { topicIds, erasures } = this.requireLog();
    const read = createReadChunks({
      reader: this.reader,
      topicIds,
      accepts: (recordKey) => recordKey !== null && recordKey.equals(bytes),
      unreadable,
      skipsGaps: true,
      signal,
    });
    await read(chunks, ({ input, receivedAt }) => {
      const isShown = input.event.provider_id === providerId && !erasures.concern(input.event);
      const occurrence = isShown ? occurrenceOf(input, receivedAt) : null;
      if (occurrence !== null) occurrences.push(occurrence);
    });
    return occurrences;
  }

  /** Reads the trips of the records before `ends` that are not read yet. Reading continues if a request cannot wait for it. */
  private async readTrips(ends: Offsets, signal: AbortSignal): Promise<void> {
    const read = this.reading.then(() => this.readUntil(ends));
    this.reading = read.catch(() => undefined);
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => {
        const percent = Math.floor(this.progress * 100);
        reject(new HistoryError('LIMIT_EXCEEDED', `the trips of the log are being read: ${percent} %`));
      });
      read.then(resolve, reject);
    });
  }

  private async readUntil(ends: Offsets): Promise<void> {
    const { index, unreadable, next, topicIds, erasures } = this.requireLog();
    const ranges = tripTopics.flatMap((topic) =>
      Object.entries(ends[topic] ?? {}).flatMap(([partition, end]) => {
        const from = next[topic]?.[Number(partition)] ?? 0;
        const range = { topic, partition: Number(partition), from: BigInt(from), to: BigInt(end) };
        return from < end ? [{ ...range, topicId: topicIds[topic]! }] : [];
      }),
    );
    if (ranges.length === 0) return;
    const read = await this.reader.readRange({
      ranges,
      onGap: (gap) => {
        // What the log has deleted is not expected: the response says from when trips are known.
        if (gap.cause !== 'log-start') unreadable.addGap(gap);
      },
      onUndecodable: (batch) => unreadable.addBatch(batch),
    });
    for await (const { topic, partition, records, nextOffset } of read) {
      for (const { offset, value, timestampMs } of records) {
        const input = decodeRecord(topic, value);
        if (input === null) unreadable.addRecord({ topic, partition }, offset);
        const isErased = input !== null && erasures.concern(input.event);
        const occurrence = input === null || isErased ? null : occurrenceOf(input, timestampMs);
        const place = placeOf({ topic, partition, offset: Number(offset) });
        if (occurrence !== null && place !== null) index.fold(occurrence, place);
      }
      (next[topic] ??= {})[partition] = Number(nextOffset);
      this.progress = Number(read.progress.done) / Number(read.progress.total);
    }
  }

  private requireLog(): OpenLog {
    if (this.log === null) throw new HistoryError('FAILED', 'no log is open');
    return this.log;
  }
}

function erasuresOf(list: readonly Erasure[]): Erasures {
  const erasures = new Erasures();
  for (const erasure of list) erasures.add(erasure);
  return erasures;
}

/** From the first to the last of the chunks of each partition. */
function spansOf(chunks: readonly Chunk[]): Iterable<Chunk> {
  const spans = new Map<string, Chunk>();
  for (const chunk of chunks) {
    const name = `${chunk.topic}-${chunk.partition}`;
    const span = spans.get(name) ?? chunk;
    spans.set(name, { ...chunk, from: Math.min(span.from, chunk.from), to: Math.max(span.to, chunk.to) });
  }
  return spans.values();
}

function copyOf(offsets: Offsets): Record<string, Record<number, number>> {
  return Object.fromEntries(Object.entries(offsets).map(([topic, of]) => [topic, { ...of }]));
}
