import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

/*
 * Clients that are disconnected and reconnect together. Prints, as JSON, what was measured from the first connection of the second
 * time until every client was current again.
 */

/** Vehicles are in `AREA` of driven-fleet.ts. The same view has all of them; of different views, each has a part. */
const AREA = { west: 7.395, south: 43.715, east: 7.455, north: 43.765 } as const;

/** A cell of level 17 of the service's grid, in degrees: views that differ by less may be the same one. */
const CELL = 360 / 2 ** 17;

/** Different views: four sizes at 16 × 16 places. */
const PLACES = 16;

/** The head of a frame, as JSON or in the header of a binary frame. */
const POINT = /"epoch":(\d+),"sequence":(\d+),"view":"([^"]+)"/;
const HEAD_BYTES = 512;

const SNAPSHOT_FLAG = 1;

interface Answer {
  readonly ms: number;
  readonly bytes: number;
  readonly kind: 'snapshot' | 'frame';
}

class Client {
  private socket: WebSocket | null = null;
  private last: Buffer | null = null;

  constructor(
    private readonly options: { readonly url: string; readonly auth: object; readonly view: object },
  ) {}

  /** Connects, with the state that it has if it `resumes`, and resolves with the first snapshot or frame. */
  connect({ resumes }: { resumes: boolean }): Promise<Answer> {
    const startedAt = performance.now();
    const { url, auth, view } = this.options;
    const resume = resumes ? { resume: this.held() } : {};
    const socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
    this.socket = socket;
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (data: Buffer, isBinary) => {
        const kind = kindOf(data, isBinary);
        if (kind !== null) {
          this.last = data;
          resolve({ kind, bytes: data.length, ms: performance.now() - startedAt });
          return;
        }
        const text = data.toString();
        if (text.startsWith('0')) socket.send(`40${JSON.stringify(auth)}`);
        if (text.startsWith('40')) socket.send(`42${JSON.stringify(['viewport', { ...view, ...resume }])}`);
        if (text === '2') socket.send('3');
      });
    });
  }

  disconnect(): void {
    this.socket?.terminate();
  }

  private held(): object {
    const head = this.last?.subarray(0, HEAD_BYTES).toString('latin1') ?? '';
    const [, epoch, sequence, view] = POINT.exec(head) ?? [];
    if (view === undefined) throw new Error(`a frame without epoch, sequence and view: ${head}`);
    return { epoch: Number(epoch), sequence: Number(sequence), view };
  }
}

function kindOf(data: Buffer, isBinary: boolean): Answer['kind'] | null {
  if (isBinary) return (data[1]! & SNAPSHOT_FLAG) === 0 ? 'frame' : 'snapshot';
  const start = data.subarray(0, 10).toString();
  if (start === '42["snapsh') return 'snapshot';
  return start === '42["frame"' ? 'frame' : null;
}

function viewOf(index: number, views: string): object {
  if (views === 'same') return AREA;
  const column = index % PLACES;
  const row = Math.floor(index / PLACES) % PLACES;
  const size = (4.5 + Math.floor(index / PLACES ** 2)) * CELL;
  const west = AREA.west + column * CELL;
  const south = AREA.south + row * CELL;
  return { west, south, east: west + size, north: south + size };
}

async function metricsOf(url: string): Promise<(name: string) => number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  return (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

const [kind = '', views = '', url = '', count = '0', awayMs = '0', resumes = ''] = process.argv.slice(2);
const clients = Array.from(
  { length: Number(count) },
  (_, index) =>
    new Client({
      url: url.replace('http', 'ws'),
      auth: kind === 'binary' ? { binary: 1 } : {},
      view: viewOf(index, views),
    }),
);
await Promise.all(clients.map((client) => client.connect({ resumes: false })));
for (const client of clients) client.disconnect();
await pause(Number(awayMs));
// The maximum delay of the event loop is that since the last time it was read.
const before = await metricsOf(url);
const answers = await Promise.all(clients.map((client) => client.connect({ resumes: resumes === 'true' })));
const after = await metricsOf(url);
for (const client of clients) client.disconnect();

const times = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
const result = {
  resumed: answers.filter((answer) => answer.kind === 'frame').length,
  medianMs: times[Math.floor(times.length / 2)],
  allMs: times.at(-1),
  answerBytes: answers.reduce((sum, { bytes }) => sum + bytes, 0),
  sentBytes: after('realtime_sent_bytes_total') - before('realtime_sent_bytes_total'),
  blockedMs: after('nodejs_eventloop_lag_max_seconds') * 1_000,
  rooms: after('realtime_rooms'),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
