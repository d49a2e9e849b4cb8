import type { Frame, VehicleDetail } from '@hailstream/events/live';
import { startTestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { io } from 'socket.io-client';
import { describe, expect, it } from 'vitest';
import { id, minuteOfEvents, PROVIDER, telemetry } from '../src/fold/events.fixture.js';
import { append, createTopics, monaco, openSocket, startRealtime } from './_util.js';

describe('a socket.io client with default options', () => {
  it('is told that only WebSocket is served, and does not retry', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    const socket = io(realtime.url, { forceNew: true });
    try {
      const errors: (Error & { data?: unknown })[] = [];
      socket.on('connect_error', (error) => errors.push(error));
      await until(() => errors.length > 0, { what: 'an error' });
      expect(errors[0]?.message).toBe(
        "only WebSocket is served: connect with io(url, { transports: ['websocket'] })",
      );
      expect(errors[0]?.data).toEqual({ code: 'WEBSOCKET_ONLY' });
      expect(socket.active).toBe(false);
    } finally {
      socket.disconnect();
    }
  });

  it.each(['EIO=3&transport=polling', 'EIO=4&transport=polling&sid=none'])(
    'receives 400 with the same text for any other polling request: %s',
    async (query) => {
      await using broker = await startTestBroker();
      await using realtime = await startRealtime(broker.address);
      const response = await fetch(`${realtime.url}/socket.io/?${query}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('only WebSocket is served');
    },
  );
});

describe('a page', () => {
  it('is sent a snapshot, then changes, and the watched vehicle', async () => {
    await using broker = await startTestBroker();
    await createTopics(broker.address);
    await append(broker.address, minuteOfEvents(Date.now()));
    await using realtime = await startRealtime(broker.address);
    using page = openSocket(realtime.url);
    const snapshots: Frame[] = [];
    const frames: Frame[] = [];
    const details: VehicleDetail[] = [];
    page.on('snapshot', (frame) => snapshots.push(frame));
    page.on('frame', (frame) => frames.push(frame));
    page.on('vehicle', (detail) => details.push(detail));
    page.emit('viewport', monaco);
    page.emit('watch', { deviceId: id(3), providerId: PROVIDER });
    await until(() => snapshots.length > 0 && details.length > 0, { what: 'a snapshot and a detail' });
    expect(snapshots[0]!.vehicles.length).toBe(8);
    expect(snapshots[0]).toMatchObject({ tickMs: 50, figures: { requestsWaiting: 1, cancellations: 1 } });

    const moved = Date.now();
    await append(broker.address, [
      telemetry({ device_id: id(3), timestamp: moved, location: { lat: 43.75, lng: 7.43 } }),
    ]);
    const row = await until(() => frames.flatMap(({ vehicles }) => vehicles)[0], { what: 'a change' });
    expect(row.slice(0, 3)).toEqual([id(3), 43.75, 7.43]);
    await until(() => details.at(-1)?.located_at === moved, { what: 'the detail' });

    await append(broker.address, [
      telemetry({ device_id: id(3), timestamp: moved + 1, location: { lat: 44.5, lng: 7.43 } }),
    ]);
    expect(await until(() => frames.flatMap(({ gone }) => gone)[0], { what: 'a departure' })).toEqual([
      id(3),
      0,
    ]);
    expect(snapshots.length).toBe(1);
    const count = frames.length;
    await until(() => frames.length > count + 2, { what: 'frames with figures alone' });
    expect(frames.at(-1)).toMatchObject({ vehicles: [], gone: [] });
  });

  it('receives the reason why a message is invalid, and is disconnected if it sends too many', async () => {
    await using broker = await startTestBroker();
    await using realtime = await startRealtime(broker.address);
    using page = openSocket(realtime.url);
    const refusals: unknown[] = [];
    const reasons: string[] = [];
    page.on('refused', (refusal) => refusals.push(refusal));
    page.on('disconnect', (reason) => reasons.push(reason));
    page.emit('viewport', { ...monaco, north: 100 });
    page.emit('watch', { deviceId: 'cab-7', providerId: PROVIDER });
    await until(() => refusals.length === 2, { what: 'refusals' });
    expect(refusals).toEqual([
      { message: 'viewport', code: 'INVALID', reason: 'north must be <= 90' },
      {
        message: 'watch',
        code: 'INVALID',
        reason: 'must be a device id, { deviceId, providerId } or null',
      },
    ]);
    for (let count = 0; count < 5_000; count += 1) page.emit('viewport', monaco);
    await until(() => reasons.length > 0, { what: 'the end' });
    expect(reasons).toEqual(['io server disconnect']);
  });
});
