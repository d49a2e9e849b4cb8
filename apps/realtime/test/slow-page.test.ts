import type { Socket as TcpSocket } from 'node:net';
import type { Frame, LiveFrame, VehicleList, VehicleRow } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { describe, expect, it, vi } from 'vitest';
import { CityState } from '../src/fold/city-state.js';
import { id, telemetry } from '../src/fold/events.fixture.js';
import { MAX_BACKLOG_BYTES } from '../src/live/broadcaster.js';
import { liveParser } from '../src/live/live.parser.js';
import { monaco, openSocket, startRealtime, untilReady, type PageSocket, type Realtime } from './_util.js';

const VEHICLES = 3_000;

/** The TCP socket of a page's WebSocket. */
function tcpSocketOf(page: PageSocket): TcpSocket {
  return (page.io.engine.transport as unknown as { ws: { _socket: TcpSocket } }).ws._socket;
}

/** Applies snapshots and frames as the page does. */
function draw(page: PageSocket) {
  const rows = new Map<string, VehicleRow>();
  const drawn = { rows, snapshots: 0, frames: 0, resumed: 0, frameBytesMax: 0 };
  let sequence = 0;
  const take = (frame: LiveFrame): void => {
    sequence = frame.sequence;
    for (const [deviceId] of frame.gone) drawn.rows.delete(deviceId);
    for (const row of frame.vehicles) drawn.rows.set(row[0], row);
    drawn.frameBytesMax = Math.max(drawn.frameBytesMax, JSON.stringify(frame).length);
  };
  page.on('snapshot', (frame) => {
    drawn.snapshots += 1;
    drawn.rows.clear();
    take(frame);
  });
  page.on('frame', (frame) => {
    drawn.frames += 1;
    if (frame.sequence > sequence + 1) drawn.resumed += 1;
    take(frame);
  });
  return drawn;
}

/** Moves every vehicle with events newer than all before. */
function moveAll(realtime: Realtime, step: number): void {
  const city = realtime.app.get(CityState);
  const now = Date.now();
  for (let n = 0; n < VEHICLES; n += 1) {
    const location = { lat: 43.725 + ((n + step) % 3_000) / 1e5, lng: 7.41 + (n % 30) / 1e3 };
    const event = telemetry({ device_id: id(n + 1), timestamp: now + step, location });
    city.fold(event, { receivedAt: now, now });
  }
}

async function metricOf({ url }: Realtime, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

describe('pages with the same view', () => {
  it('share the bytes of each frame, which is encoded once', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    const pages = Array.from({ length: 4 }, () => openSocket(realtime.url));
    try {
      const received = pages.map(() => new Set<number>());
      for (const [index, page] of pages.entries()) {
        page.on('frame', ({ asOf }) => received[index]!.add(asOf));
        page.emit('viewport', monaco);
      }
      await until(() => received.every(({ size }) => size > 0), { what: 'frames to all pages' });
      const encode = vi.spyOn(liveParser.Encoder.prototype, 'encode');
      await until(() => encode.mock.calls.length > 5, { what: 'more frames' });
      const encoded = encode.mock.calls.flatMap(([{ data }]) =>
        (data as [string, Frame])[0] === 'frame' ? (data as [string, Frame])[1].asOf : [],
      );
      encode.mockRestore();
      expect(encoded.length).toBeGreaterThan(1);
      expect(new Set(encoded).size).toBe(encoded.length);
      await until(() => received.every((frames) => encoded.every((asOf) => frames.has(asOf))), {
        what: 'each encoded frame at each page',
      });
    } finally {
      for (const page of pages) page.disconnect();
    }
  });
});

describe('a page that does not read', () => {
  it('is skipped within bounds, does not slow other pages, and is sent what changed once it reads', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    using slow = openSocket(realtime.url);
    using quick = openSocket(realtime.url);
    const [slowDrawn, quickDrawn] = [draw(slow), draw(quick)];
    moveAll(realtime, 0);
    slow.emit('viewport', monaco);
    quick.emit('viewport', monaco);
    await until(() => slowDrawn.frames > 0 && quickDrawn.frames > 0, { what: 'frames' });

    tcpSocketOf(slow).pause();
    let backlogMax = 0;
    for (let step = 1; (await metricOf(realtime, 'realtime_frames_skipped_total')) < 10; step += 1) {
      const { frames } = quickDrawn;
      moveAll(realtime, step);
      await until(() => quickDrawn.frames > frames, { what: 'a frame to the page that reads' });
      backlogMax = Math.max(backlogMax, await metricOf(realtime, 'realtime_backlog_bytes_max'));
    }
    expect(backlogMax).toBeGreaterThan(MAX_BACKLOG_BYTES);
    expect(backlogMax).toBeLessThan(MAX_BACKLOG_BYTES + 2 * quickDrawn.frameBytesMax);
    expect(quickDrawn.snapshots).toBe(1);
    expect(quickDrawn.frames).toBeGreaterThan(slowDrawn.frames);

    tcpSocketOf(slow).resume();
    await until(() => slowDrawn.resumed > 0, { what: 'a frame with what changed' });
    const { frames } = slowDrawn;
    await until(() => slowDrawn.frames > frames + 1, { what: 'frames after it' });
    expect([slowDrawn.snapshots, slowDrawn.resumed]).toEqual([1, 1]);
    expect(slowDrawn.rows.size).toBe(VEHICLES);
    expect(slowDrawn.rows).toEqual(quickDrawn.rows);
  });
});

describe('a list of many vehicles', () => {
  it('is sent in pieces, and stops if the client closes the connection', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    await untilReady(realtime);
    moveAll(realtime, 0);
    const response = await fetch(`${realtime.url}/vehicles`);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-encoding')).toMatch(/br|gzip/);
    const { count, total, vehicles } = (await response.json()) as VehicleList;
    expect({ count, total }).toEqual({ count: VEHICLES, total: VEHICLES });
    expect(new Set(vehicles.map(({ device_id }) => device_id)).size).toBe(VEHICLES);

    const closed = await fetch(`${realtime.url}/vehicles`);
    await closed.body?.cancel();
    const refused = await fetch(`${realtime.url}/vehicles?sort=colour`);
    expect(refused.status).toBe(400);
  });
});
