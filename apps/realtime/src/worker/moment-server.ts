import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { GoneRow, RequestRow, VehicleRef, VehicleRow } from '@hailstream/events/live';
import type { RangeReader } from '@hailstream/log';
import { ByteReader } from '../encoding/byte-reader.js';
import type { ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { closeCodeOf, HistoryError } from '../query/history.errors.js';
import { Moment, type Found, type LateEvents } from '../history/moment.js';
import { createReadChunks } from '../history/read-chunks.js';
import type {
  FoundEvents,
  FromWorker,
  LateBlockFile,
  MomentStart,
  MomentView,
  ToWorker,
  ViewResult,
  WorkerCall,
  WorkerCalls,
} from '../history/worker-protocol.js';
import type { ProviderLimits } from '../limits/provider-limits.js';
import { decodeLateEvents, LateBlockError } from '../late-events/late-event.js';
import { readLateBlock } from '../late-events/late-event-store.js';
import { decodeKeyframe } from '../archive/keyframe.js';
import { covers } from '../live/grid.js';
import { UnreadableRecords } from '../log/unreadable-records.js';
import { Publication } from '../live/publication.js';
import type { Change } from '../live/rooms.js';
import { QueryError, QueryParameters } from '../query/query-parameters.js';
import { readCity } from '../reads/city-reads.js';
import { parseVehicleQuery } from '../vehicles/vehicle-query.js';
import { VehiclesService } from '../vehicles/vehicles.service.js';
import { frame, ProviderNumbers } from '../views/frame.js';
import { vehicleDetail } from '../views/vehicle-detail.js';
import { TripPackCache } from './trip-pack-cache.js';

const PROGRESS_INTERVAL_MS = 200;

/** The city at a moment, and what was sent of it. */
interface OpenMoment {
  readonly start: MomentStart;
  readonly moment: Moment;
  readonly numbers: ProviderNumbers;
  readonly publication: Publication;
  /** What was to be read since the keyframe. */
  readonly unreadable: UnreadableRecords;
}

/** Answers the requests of one worker, one after the other. */
export class MomentServer {
  private open: OpenMoment | null = null;
  private eventsPerSecond = 0;
  private skipped: FoundEvents['unreadable'] = [];
  /** The provider of the last view. */
  private filter: ProviderFilter = null;
  private answers = Promise.resolve();
  private onFound: (found: FoundEvents) => void = () => undefined;
  private progressAt = 0;
  private readonly packs = new TripPackCache();

  constructor(
    private readonly reader: RangeReader,
    private readonly limits: ProviderLimits,
    private readonly post: (message: FromWorker) => void,
  ) {}

  /** Resolves once the message has been answered. */
  receive(message: ToWorker): Promise<void> {
    if (message.kind === 'found') {
      this.onFound(message);
      return Promise.resolve();
    }
    this.answers = this.answers.then(() => this.answer(message));
    return this.answers;
  }

  private async answer(call: WorkerCall): Promise<void> {
    const { id } = call;
    try {
      this.post({ kind: 'done', id, result: await this.call(call) });
    } catch (error) {
      const code = closeCodeOf(error);
      const field = error instanceof QueryError ? error.field : null;
      this.post({ kind: 'failed', id, code, field, message: (error as Error).message });
    }
  }

  private call(call: WorkerCall): Promise<WorkerCalls[keyof WorkerCalls]['result']> {
    switch (call.kind) {
      case 'connect':
        return this.connect();
      case 'open':
        return this.openMoment(call.argument);
      case 'view':
        return this.view(call.argument);
      case 'vehicles':
        return this.vehicles(call.argument);
      case 'read':
        return this.read(call.argument);
    }
  }

  private async connect(): Promise<null> {
    await this.reader.readRange({ ranges: [] });
    return null;
  }

  private async openMoment(start: MomentStart): Promise<null> {
    const { header, city: bytes } = decodeKeyframe(await readFile(start.file));
    const packs = await this.packs.read(dirname(start.file), header.packs);
    const unreadable = new UnreadableRecords();
    const moment = new Moment(
      start.by,
      start.filter,
      {
        find: (until, usesLate) => this.find(until, usesLate),
        read: (chunks, use) => {
          const total = chunks.reduce((sum, { from, to }) => sum + to - from, 0);
          let done = 0;
          const read = createReadChunks({
            reader: this.reader,
            topicIds: start.topicIds,
            unreadable,
            onBatch: (offsets) => this.reportProgress((done += offsets) / total),
          });
          return read(chunks, use);
        },
      },
      this.limits,
    );
    moment.city.read(new ByteReader(bytes), packs, start.filter);
    const numbers = new ProviderNumbers();
    const publication = new Publication(moment.city, numbers);
    this.open = { start, moment, numbers, publication, unreadable };
    this.filter = start.filter;
    return null;
  }

  private async view({ at, range, filter, watched, isSnapshot }: MomentView): Promise<ViewResult> {
    const { moment, numbers, publication } = this.requireOpen();
    this.filter = filter;
    await moment.advance(at);
    const { changes, changed } = publication.publishChanges(at);
    const rows = isSnapshot
      ? { ...publication.within(filter, range), gone: [], requestsGone: [] }
      : changesWithin(
          changes.filter(({ providerId }) => filter === null || providerId === filter),
          (lat, lng) => covers(range, lat, lng),
        );
    const { figures } = moment.city.summary(filter)!;
    const content = {
      ...rows,
      asOf: at,
      tickMs: 0,
      figures: { ...figures, eventsPerSecond: this.eventsPerSecond },
    };
    const { tickMs: _, ...made } = frame(content, numbers);
    const detail = this.detail({ watched, isSnapshot, changed, at });
    return { frame: made, detail, unreadableRecords: this.unreadableRecords };
  }

  private detail({
    watched,
    isSnapshot,
    changed,
    at,
  }: {
    readonly watched: VehicleRef | null;
    readonly isSnapshot: boolean;
    readonly changed: readonly Vehicle[];
    readonly at: number;
  }): ViewResult['detail'] {
    const { start, moment } = this.requireOpen();
    if (watched === null) return undefined;
    const isVisible = start.filter === null || start.filter === watched.providerId;
    const vehicle = isVisible ? moment.city.vehicle(watched) : null;
    if (!isSnapshot && (vehicle === null || !changed.includes(vehicle))) return undefined;
    return vehicle && vehicleDetail(moment.city, vehicle, at);
  }

  private async vehicles({ at, parameters }: WorkerCalls['vehicles']['argument']) {
    const { start, moment } = this.requireOpen();
    const query = parseVehicleQuery(new QueryParameters(parameters), start.filter);
    await moment.advance(at);
    const list = new VehiclesService(moment.city).list(query, at);
    return { list, unreadableRecords: this.unreadableRecords };
  }

  private async read({ at, name, parameters }: WorkerCalls['read']['argument']) {
    const { start, moment } = this.requireOpen();
    await moment.advance(at);
    const request = { parameters: new QueryParameters(parameters), allowed: start.filter, now: at };
    return readCity(name, moment.city, request);
  }

  /** Asks the service, which has the index of the log. */
  private async find(until: number, usesLate: boolean): Promise<Found> {
    const { moment } = this.requireOpen();
    const found = await new Promise<FoundEvents>((resolve) => {
      this.onFound = resolve;
      const erasures = moment.city.erasures.count;
      this.post({ kind: 'find', until, usesLate, filter: this.filter, erasures });
    });
    this.eventsPerSecond = found.eventsPerSecond;
    this.skipped = found.unreadable;
    for (const erasure of found.erasures) moment.city.erase(erasure);
    const late = found.lateBlocks.map(lateEventsOf);
    if (found.late.length > 0) {
      const earliest = Math.min(...found.late.map(({ time }) => time));
      late.push({ earliest, read: () => Promise.resolve(found.late) });
    }
    return { chunks: found.chunks, late };
  }

  /** What the fold skipped before, or this worker since: each offset once. */
  private get unreadableRecords(): number {
    const skipped = this.skipped.reduce((sum, { records }) => sum + records, 0);
    return skipped + this.requireOpen().unreadable.countOutside(this.skipped);
  }

  private reportProgress(share: number): void {
    const now = performance.now();
    if (now - this.progressAt < PROGRESS_INTERVAL_MS) return;
    this.progressAt = now;
    this.post({ kind: 'progress', share: Math.min(1, share) });
  }

  private requireOpen(): OpenMoment {
    if (this.open === null) throw new HistoryError('FAILED', 'no moment is open');
    return this.open;
  }
}

function lateEventsOf(block: LateBlockFile): LateEvents {
  return {
    earliest: block.earliest,
    read: async () => {
      try {
        return decodeLateEvents(await readLateBlock(block.file, block));
      } catch (error) {
        if (error instanceof LateBlockError) throw error;
        throw new LateBlockError(`a block of late events cannot be read: ${(error as Error).message}`, {
          cause: error,
        });
      }
    },
  };
}

function changesWithin(changes: readonly Change[], isWithin: (lat: number, lng: number) => boolean) {
  const vehicles: VehicleRow[] = [];
  const gone: GoneRow[] = [];
  const requests: RequestRow[] = [];
  const requestsGone: GoneRow[] = [];
  for (const { kind, before, after } of changes) {
    const isIn = after !== null && isWithin(after[1], after[2]);
    const hasLeft = before !== null && !isIn && isWithin(before[1], before[2]);
    if (kind === 'vehicle') {
      if (isIn) vehicles.push(after);
      if (hasLeft) gone.push([before[0], before[7]]);
    } else {
      if (isIn) requests.push(after);
      if (hasLeft) requestsGone.push([before[0], before[4]]);
    }
  }
  return { vehicles, gone, requests, requestsGone };
}
