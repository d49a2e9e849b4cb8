import type { Socket as TcpSocket } from 'node:net';
import type { LiveFrame, ResumePoint, VehicleRow } from '@hailstream/events/live';
import { LIVE_FRAME_VERSION, LiveFrameDecoder } from '@hailstream/events/live-binary';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it, vi } from 'vitest';
import { CityState } from '../src/fold/city-state.js';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { LiveMetrics } from '../src/metrics/live-metrics.service.js';
import {
  metric,
  monaco,
  openSocket,
  startRealtime,
  untilReady,
  type PageSocket,
  type Realtime,
} from './_util.js';

const VEHICLES = 20;
const PAGES = 1_000;
const ANSWERS_PER_TICK = 50;

/** A client that applies snapshots and frames as the page does, and continues its state when it connects again. */
class Reader implements Disposable {
  readonly socket: PageSocket;
  readonly rows = new Map<string, VehicleRow>();
  /** The first message of each connection. */
  readonly answers: ('snapshot' | 'frame')[] = [];
  frames = 0;
  private held: ResumePoint | null = null;
  private isAnswered = false;
  private readonly decoder = new LiveFrameDecoder();

  constructor({ url }: Realtime, { binary = false } = {}) {
    this.socket = openSocket(url, binary ? { binary: LIVE_FRAME_VERSION } : {});
    this.socket.on('connect', () => {
      this.isAnswered = false;
      this.socket.emit('viewport', { ...monaco, ...(this.held !== null && { resume: this.held }) });
    });
    this.socket.on('snapshot', (frame) => this.receive(frame, true));
    this.socket.on('frame', (frame) => this.receive(frame, false));
    this.socket.on('binary', (bytes) => {
      const { frame, whole } = this.decoder.decode(new Uint8Array(bytes));
      this.receive(frame, whole);
    });
  }

  /** Whether the current connection has been answered. */
  get isCurrent(): boolean {
    return this.socket.connected && this.isAnswered;
  }

  /** Closes the connection without a message of socket.io. */
  cut(): void {
    const { ws } = this.socket.io.engine.transport as unknown as { ws: { _socket: TcpSocket } };
    ws._socket.destroy();
  }

  [Symbol.dispose](): void {
    this.socket.disconnect();
  }

  private receive(frame: LiveFrame, whole: boolean): void {
    if (!this.isAnswered) this.answers.push(whole ? 'snapshot' : 'frame');
    this.isAnswered = true;
    if (whole) this.rows.clear();
    else this.frames += 1;
    for (const [deviceId] of frame.gone) this.rows.delete(deviceId);
    for (const row of frame.vehicles) this.rows.set(row[0], row);
    this.held = { epoch: frame.epoch, sequence: frame.sequence, view: frame.view };
  }
}

/** Moves vehicles with events newer than all before; the first one leaves the viewport if it is to. */
function move(
  realtime: Realtime,
  { from, step, leaves = false }: { from: number; step: number; leaves?: boolean },
): void {
  const city = realtime.app.get(CityState);
  const now = Date.now();
  for (let n = from; n < VEHICLES; n += 1) {
    const lat = leaves && n === from ? 44.5 : 43.73 + n / 1e3 + step / 1e5;
    const event = telemetry({ device_id: id(n + 1), timestamp: now + step, location: { lat, lng: 7.42 } });
    city.fold(event, { receivedAt: now, now });
  }
}

describe('a client whose connection is lost', () => {
  it.each([{ binary: false }, { binary: true }])(
    'continues its state over the next connection: %j',
    async ({ binary }) => {
      await using broker = await startTestBroker();
      await using realtime = await startRealtime(broker.address);
      await untilReady(realtime);
      move(realtime, { from: 0, step: 0 });
      using reader = new Reader(realtime, { binary });
      using other = new Reader(realtime, { binary });
      await until(() => reader.rows.size === VEHICLES && reader.frames > 0, { what: 'all vehicles' });

      reader.cut();
      await until(() => !reader.socket.connected, { what: 'the end of the connection' });
      const { frames } = other;
      move(realtime, { from: 10, step: 1, leaves: true });
      await until(() => other.frames > frames + 2, { what: 'ticks meanwhile' });
      reader.socket.connect();
      await until(() => reader.isCurrent, { what: 'an answer' });
      expect(reader.answers).toEqual(['snapshot', 'frame']);
      await until(() => other.rows.size === VEHICLES - 1, { what: 'the departure' });
      expect(reader.rows).toEqual(other.rows);
      // Two snapshots, and the frame that continued.
      await until(async () => (await metric(realtime, 'realtime_answers_total')) === 3, { what: 'answers' });
      expect(await metric(realtime, 'realtime_rooms_by_level')).toBe(1);
      expect(await metric(realtime, 'realtime_clients_by_level')).toBe(2);
      expect(await metric(realtime, 'realtime_sent_bytes_total')).toBeGreaterThan(1_000);

      move(realtime, { from: 0, step: 2 });
      const isMoved = ({ rows }: Reader) => rows.get(id(1))?.[1] === 43.73002;
      await until(() => isMoved(reader) && isMoved(other), { what: 'the frame that follows' });
      expect(reader.rows).toEqual(other.rows);
    },
  );
});

describe('1,000 clients that reconnect together', () => {
  it('continue their state, a bounded number per tick', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address, {
      REALTIME_TICK_MS: '500',
      REALTIME_HANDSHAKES_PER_TICK: String(PAGES),
      REALTIME_SNAPSHOTS_PER_TICK: String(ANSWERS_PER_TICK),
    });
    await untilReady(realtime);
    move(realtime, { from: 0, step: 0 });
    const observed = vi.spyOn(realtime.app.get(LiveMetrics, { strict: false }), 'observeTick');
    const perTick = () => observed.mock.calls.map(([{ answers }]) => answers.snapshot + answers.resumed);
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    const readers = Array.from({ length: PAGES }, () => new Reader(realtime));
    try {
      await until(() => readers.every(({ rows }) => rows.size === VEHICLES), {
        what: 'all vehicles at all clients',
        timeoutMs: 60_000,
      });
      for (const { socket } of readers) socket.disconnect();
      await until(async () => (await metric(realtime, 'realtime_sockets')) === 0, { what: 'no connections' });
      move(realtime, { from: 10, step: 1, leaves: true });
      observed.mockClear();
      await until(() => observed.mock.calls.length >= 2, { what: 'a tick with the changes' });
      expect(sum(perTick().slice(1))).toBe(0);

      observed.mockClear();
      for (const { socket } of readers) socket.connect();
      await until(() => readers.every(({ isCurrent }) => isCurrent), {
        what: 'an answer to all clients',
        timeoutMs: 60_000,
      });
      await until(() => sum(perTick()) >= PAGES, { what: 'the report of the last answers' });
      expect(sum(observed.mock.calls.map(([{ answers }]) => answers.resumed))).toBe(PAGES);
      expect(Math.max(...perTick())).toBeLessThanOrEqual(ANSWERS_PER_TICK);
      using fresh = new Reader(realtime);
      await until(() => fresh.isCurrent, { what: 'a snapshot' });
      expect(fresh.rows.size).toBe(VEHICLES - 1);
      for (const { answers, rows } of readers) {
        expect(answers).toEqual(['snapshot', 'frame']);
        expect(rows).toEqual(fresh.rows);
      }
    } finally {
      observed.mockRestore();
      for (const reader of readers) reader[Symbol.dispose]();
    }
  }, 180_000);
});
