import type { ResumePoint } from '@hailstream/events/live';
import type { Client } from './client.js';
import { deliver, type FrameMessage, type FrameRows } from './frame-message.js';
import type { DrawnSubject, Gone } from './publication.js';
import type { Room } from './rooms.js';

/** Parts that are sent at once, so that making them does not delay ticks. */
const PARTS_AT_ONCE = 2;

/** Rows that are looked at for a part, of which most may be outside of the view. */
const MAX_LOOKED_AT = 200_000;

/** What a client is to be sent. */
export interface Content {
  readonly room: Room;
  /** The rows as they are when they are read. */
  readonly rows: Iterator<DrawnSubject | null>;
  /** What the client has to remove first; `null` if it is sent the whole content of the room. */
  readonly gone: Gone | null;
  /** The state that it has once it was sent everything. */
  readonly point: ResumePoint;
}

interface Sending extends Content {
  hasBegun: boolean;
  found: DrawnSubject[];
}

interface PartOptions {
  readonly rowsPerPart: number;
  /** A client is sent a part if it has at most this many bytes that it has not read. */
  readonly maxBacklogBytes: number;
  readonly toMessage: (room: Room, rows: FrameRows, point: ResumePoint, whole: boolean) => FrameMessage;
  /** Called once a client was sent everything. */
  readonly onSent: (client: Client, point: ResumePoint) => void;
}

/**
 * Sends clients what is too much for one message, in parts: each one once the client has read the one before, the clients of
 * several providers in turn. Only the last part has a state that can be continued.
 */
export class PartSender {
  private readonly byCaller = new Map<string, Map<Client, Sending>>();

  constructor(private readonly options: PartOptions) {}

  get count(): number {
    let count = 0;
    for (const clients of this.byCaller.values()) count += clients.size;
    return count;
  }

  start(client: Client, caller: string, content: Content): void {
    const sending = { ...content, hasBegun: false, found: [] };
    const clients = this.byCaller.get(caller);
    if (clients === undefined) this.byCaller.set(caller, new Map([[client, sending]]));
    else clients.set(client, sending);
  }

  cancel(client: Client, caller: string): void {
    const clients = this.byCaller.get(caller);
    clients?.delete(client);
    if (clients?.size === 0) this.byCaller.delete(caller);
  }

  /** Sends the next parts. */
  send(): void {
    for (let left = PARTS_AT_ONCE; left > 0; left -= 1) {
      const next = this.takeNext();
      if (next === null) return;
      this.sendPart(next.client, next.caller, next.sending);
    }
  }

  /** The next client that has read what it was sent. It is the last one the next time. */
  private takeNext(): { client: Client; caller: string; sending: Sending } | null {
    for (const [caller, clients] of this.byCaller) {
      for (const [client, sending] of clients) {
        if (client.backlogBytes() > this.options.maxBacklogBytes) continue;
        clients.delete(client);
        clients.set(client, sending);
        this.byCaller.delete(caller);
        this.byCaller.set(caller, clients);
        return { client, caller, sending };
      }
    }
    return null;
  }

  private sendPart(client: Client, caller: string, sending: Sending): void {
    const { room, point, gone, hasBegun } = sending;
    const { rowsPerPart, toMessage, onSent } = this.options;
    const unfinished = { ...point, view: `${point.view}:part` };
    const send = (rows: FrameRows, at: ResumePoint, whole: boolean): void => {
      deliver(toMessage(room, rows, at, whole), (...sent) => client.send(...sent));
      sending.hasBegun = true;
    };
    if (!hasBegun && gone !== null) {
      send({ ...noRows, ...gone }, unfinished, false);
      return;
    }
    const isLast = findRows(sending, rowsPerPart);
    if (!isLast && sending.found.length < rowsPerPart) return;
    send(toRows(sending.found), isLast ? point : unfinished, !hasBegun);
    sending.found = [];
    if (!isLast) return;
    this.cancel(client, caller);
    onSent(client, point);
  }
}

const noRows: FrameRows = {
  vehicles: [],
  numbers: [],
  gone: [],
  goneNumbers: [],
  requests: [],
  requestsGone: [],
};

/** Returns whether there are no more rows. */
function findRows({ rows, found }: Sending, rowsPerPart: number): boolean {
  for (let left = MAX_LOOKED_AT; left > 0 && found.length < rowsPerPart; left -= 1) {
    const next = rows.next();
    if (next.done === true) return true;
    if (next.value !== null) found.push(next.value);
  }
  return false;
}

function toRows(found: readonly DrawnSubject[]): FrameRows {
  const vehicles = found.filter((subject) => subject.kind === 'vehicle');
  return {
    ...noRows,
    vehicles: vehicles.map(({ row }) => row),
    numbers: vehicles.map(({ number }) => number),
    requests: found.flatMap((subject) => (subject.kind === 'request' ? [subject.row] : [])),
  };
}
