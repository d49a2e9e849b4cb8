import assert from 'node:assert';
import { randomInt } from 'node:crypto';
import type { RequestRow, ResumePoint } from '@hailstream/events/live';
import { encodeLiveFrame } from '@hailstream/events/live-binary';
import type { CityState } from '../fold/city-state.js';
import { frame, ProviderNumbers } from '../views/frame.js';
import type { FrameMessage, FrameRows } from './frame-message.js';
import type { Content } from './parts.js';
import { Publication } from './publication.js';
import { viewOf, type Room, type RowsWithin } from './rooms.js';

/** A row that is sent costs as much as so many that are only looked at. */
const LOOKED_AT_PER_SENT_ROW = 25;

interface FrameOptions {
  readonly tickMs: number;
  /** What has more rows is too much for one message. */
  readonly rowsPerMessage: number;
  readonly resumeDepartures: number;
  /** The clock of the frames. */
  readonly now: () => number;
}

/** The frames of an epoch, which begins with an empty city and ends when the city is cleared. */
export class RoomFrames {
  readonly epoch = randomInt(2 ** 48 - 1);
  readonly publication: Publication;
  private readonly numbers = new ProviderNumbers();
  private rowsSent = 0;

  constructor(
    private readonly city: CityState,
    private readonly options: FrameOptions,
  ) {
    this.publication = new Publication(city, this.numbers, options.resumeDepartures);
  }

  /** How many rows were looked at so far, and how many the rows cost that were sent. */
  get workDone(): number {
    return this.publication.rowsLookedAt + LOOKED_AT_PER_SENT_ROW * this.rowsSent;
  }

  /** The state of a room as of the last tick. */
  pointOf(room: Room): ResumePoint {
    return { epoch: this.epoch, sequence: this.publication.sequence, view: viewOf(room) };
  }

  /** Whether the frames of a room continue a state. When a cell has changed is not known. */
  continues(room: Room, { epoch, sequence, view }: ResumePoint): boolean {
    const isKnown = epoch === this.epoch && sequence <= this.publication.sequence;
    return isKnown && view === viewOf(room) && !room.isCounted;
  }

  rowsOf(room: Room): RowsWithin {
    room.snapshot ??= this.publication.within(room.filter, room.range);
    return room.snapshot;
  }

  /** The whole content of a room as of the last tick; `null` if it is too much for one message. */
  wholeOf(room: Room): FrameMessage | null {
    return this.isTooMuch(this.rowsOf(room), room) ? null : this.snapshot(room);
  }

  /** The whole content of a room as of the last tick. */
  snapshot(room: Room): FrameMessage {
    const { vehicles, numbers, requests } = this.rowsOf(room);
    const none = { gone: [], goneNumbers: [], requestsGone: [] };
    const rows = room.isCounted
      ? {
          vehicles: [],
          numbers: [],
          cells: room.counts?.all() ?? [],
          requests: this.someOf(requests),
          ...none,
        }
      : { vehicles, numbers, requests, ...none };
    return this.message(room, rows, { whole: true, introducesAll: true });
  }

  /** What has changed since the last tick. */
  changes(room: Room): FrameMessage {
    const cells = room.counts?.takeChanged() ?? [];
    const rows = room.isCounted ? { ...room, cells, requests: this.someOf(room.requests) } : room;
    return this.message(room, rows, { whole: false, introducesAll: false });
  }

  /**
   * What has changed since a sequence; `null` if that is not known, or too much for one message. The vehicles are introduced: some
   * may have entered since.
   */
  changesSince(room: Room, sequence: number): FrameMessage | null {
    const rows = this.publication.since(room.filter, room.range, sequence);
    if (rows === null || this.isTooMuch(rows, room)) return null;
    return this.message(room, rows, { whole: false, introducesAll: true });
  }

  /** What is to be sent in parts: what has changed since a sequence or, if that is `null` or not known, everything. */
  contentSince(room: Room, sequence: number | null): Content {
    const { filter, range } = room;
    const { publication } = this;
    const limit = this.options.rowsPerMessage;
    const gone = sequence === null ? null : publication.goneSince(filter, range, { sequence, limit });
    const rows = publication.rowsAfter(filter, range, gone === null ? undefined : sequence!);
    return { room, rows, gone, point: this.pointOf(room) };
  }

  /** Never that of a counted room, which cannot be continued. */
  isTooMuch({ vehicles, requests, gone }: SomeRows, room: Room): boolean {
    const count = vehicles.length + requests.length + (gone?.length ?? 0);
    return !room.isCounted && count > this.options.rowsPerMessage;
  }

  /** The riders of a counted room: as many as one message may have. */
  private someOf(requests: readonly RequestRow[]): readonly RequestRow[] {
    return requests.slice(0, this.options.rowsPerMessage);
  }

  /**
   * A frame of a room. With `introducesAll`, it introduces all of its vehicles, and otherwise those that have entered the room.
   *
   * @throws AssertionError if the city was not advanced since it was cleared
   */
  message(
    room: Room,
    rows: FrameRows,
    {
      whole,
      introducesAll,
      point = this.pointOf(room),
    }: { readonly whole: boolean; readonly introducesAll: boolean; readonly point?: ResumePoint },
  ): FrameMessage {
    const summary = this.city.summary(room.filter);
    assert.ok(summary !== null, 'a frame needs a city that was advanced');
    const { vehicles, gone, requests, requestsGone, cells } = rows;
    this.rowsSent += vehicles.length + requests.length;
    const { tickMs, now } = this.options;
    const { figures } = summary;
    const content = { asOf: now(), tickMs, vehicles, gone, requests, requestsGone, figures };
    const live = { ...point, ...frame(content, this.numbers), ...(cells !== undefined && { cells }) };
    if (!room.options.binary) return [whole ? 'snapshot' : 'frame', live];
    const { entered } = room;
    const vehicleNumbers = { vehicles: rows.numbers, gone: rows.goneNumbers };
    const isIntroduced = (index: number): boolean => introducesAll || entered[index] === true;
    return ['binary', encodeLiveFrame(live, { ...vehicleNumbers, isIntroduced }, { whole })];
  }
}

/** `gone` if there may be any. */
type SomeRows = Pick<RowsWithin, 'vehicles' | 'requests'> & { readonly gone?: readonly unknown[] };
