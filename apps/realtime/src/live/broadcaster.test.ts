import type { Frame, LiveFrame, VehicleDetail, Viewport } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { TRIP_KEPT_MS } from '../fold/fleet-trips.js';
import { SILENT_AFTER_MS, STALE_AFTER_MS } from '../fold/vehicle.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../fold/events.fixture.js';
import { MAX_BACKLOG_BYTES, VIEWPORT_INTERVAL_MS } from './broadcaster.js';
import { setUp, TICK_MS, type Page } from './pages.fixture.js';

const monaco: Viewport = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const nice: Viewport = { west: 7.2, south: 43.65, east: 7.3, north: 43.75 };
const inMonaco = { lat: 43.74, lng: 7.42 };
const inNice = { lat: 43.7, lng: 7.25 };

const vehicle = (n: number, providerId: string | null = PROVIDER) => ({ deviceId: id(n), providerId });
const messages = (page: Page) => page.take().map(([message]) => message);

describe('Broadcaster', () => {
  it('sends the status to a client when it connects, when it changes, and when it has caught up', () => {
    const { broadcaster, tick, open } = setUp();
    const early = open(null);
    expect(messages(early)).toEqual([]);
    const unreadable = { count: 0, lastAt: null };
    const rebuilding = {
      asOf: NOW,
      unreadable,
      status: { kind: 'rebuilding', percent: 4, reason: null, since: null },
    } as const;
    broadcaster.announce(rebuilding);
    expect(early.take()).toEqual([['status', rebuilding]]);
    const late = open(null);
    expect(late.take()).toEqual([['status', rebuilding]]);
    late.backlog = MAX_BACKLOG_BYTES + 1;
    const following = { asOf: NOW + 1, unreadable, status: { kind: 'following' } } as const;
    broadcaster.announce(following);
    expect(messages(late)).toEqual([]);
    late.backlog = 0;
    tick(NOW + TICK_MS);
    expect(late.take()).toEqual([['status', following]]);
  });

  it('sends every client a new snapshot after the city was cleared', () => {
    const { city, broadcaster, tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    tick(NOW);
    const page = open(monaco);
    broadcaster.watch(page, vehicle(1), NOW);
    page.take();
    city.clear();
    fold(telemetry({ device_id: id(2), location: inMonaco, timestamp: NOW + 1 }));
    tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['snapshot']);
    expect(page.deviceIds).toEqual([id(2)]);
    fold(telemetry({ location: inMonaco, timestamp: NOW + 2 }));
    tick(NOW + 2 * TICK_MS);
    expect(messages(page)).toEqual(['frame', 'vehicle']);
  });

  it('responds to a viewport with a snapshot immediately, and then sends one frame per tick', () => {
    const { tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }), telemetry({ device_id: id(2), location: inNice }));
    tick(NOW);
    const page = open(monaco);
    expect(page.deviceIds).toEqual([id(1)]);
    expect(messages(page)).toEqual(['snapshot']);
    tick(NOW + TICK_MS);
    tick(NOW + 2 * TICK_MS);
    expect(messages(page)).toEqual(['frame', 'frame']);
  });

  it('draws nothing for nobody: the first client is sent the city as it is, and then what changes', () => {
    const { tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }), riderEvent({ trip_id: id(100), location: inMonaco }));
    tick(NOW);
    fold(
      telemetry({ device_id: id(2), location: inMonaco, timestamp: NOW + 1 }),
      riderEvent({ trip_id: id(101), location: inMonaco, timestamp: NOW + 1 }),
    );
    tick(NOW + TICK_MS);
    tick(NOW + 2 * TICK_MS);
    const page = open(monaco);
    expect([page.deviceIds, page.waitingTrips]).toEqual([
      [id(1), id(2)],
      [id(100), id(101)],
    ]);
    page.take();
    fold(
      telemetry({ device_id: id(2), location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 2 }),
      riderEvent({ trip_id: id(101), event_type: 'ride_cancel', location: inMonaco, timestamp: NOW + 2 }),
    );
    tick(NOW + 3 * TICK_MS);
    const [frame] = page.takeFrames();
    expect(frame?.vehicles.map(([deviceId]) => deviceId)).toEqual([id(2)]);
    expect(frame?.requestsGone).toEqual([[id(101), 0]]);
  });

  it('responds to a viewport before the first tick at that tick', () => {
    const { tick, fold, open } = setUp();
    const page = open(monaco);
    expect(messages(page)).toEqual([]);
    fold(telemetry({ location: inMonaco }));
    tick(NOW);
    expect(messages(page)).toEqual(['snapshot']);
    expect(page.drawn.size).toBe(1);
  });

  it('sends what changed in the viewport, and the figures even if nothing changed', () => {
    const { tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }), telemetry({ device_id: id(2), location: inMonaco }));
    tick(NOW);
    const page = open(monaco);
    page.take();
    fold(
      telemetry({ location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 1 }),
      telemetry({ device_id: id(3), location: inNice }),
    );
    tick(NOW + TICK_MS);
    tick(NOW + 2 * TICK_MS);
    const [first, second] = page.takeFrames();
    expect(first?.vehicles.map(([deviceId]) => deviceId)).toEqual([id(1)]);
    expect(second).toMatchObject({ vehicles: [], gone: [], figures: { byState: { unknown: 3 } } });
  });

  it('numbers frames by tick, in an epoch that ends when the city is cleared', () => {
    const { city, tick, open } = setUp();
    tick(NOW);
    const page = open(monaco);
    tick(NOW + TICK_MS);
    city.clear();
    tick(NOW + 2 * TICK_MS);
    tick(NOW + 3 * TICK_MS);
    const frames = page.take().map(([, frame]) => frame as LiveFrame);
    expect(frames.map(({ sequence }) => sequence)).toEqual([1, 2, 1, 2]);
    const [first, second, third, fourth] = frames.map(({ epoch }) => epoch);
    expect([second, fourth]).toEqual([first, third]);
    expect(third).not.toBe(first);
    expect(new Set(frames.map(({ view }) => view)).size).toBe(1);
  });

  it('reports vehicles that left the viewport', () => {
    const { tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    tick(NOW);
    const [here, there] = [open(monaco), open(nice)];
    fold(telemetry({ location: inNice, timestamp: NOW + 1 }));
    tick(NOW + TICK_MS);
    expect(here.takeFrames()).toMatchObject([{ vehicles: [], gone: [[id(1), 0]] }]);
    expect(there.takeFrames()).toMatchObject([
      { vehicles: [[id(1), inNice.lat, inNice.lng, null, null, null, 'live', 0]], gone: [] },
    ]);
  });

  it('reports vehicles that became stale or silent without an event', () => {
    const { tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    tick(NOW);
    const page = open(monaco);
    page.take();
    tick(NOW + STALE_AFTER_MS);
    expect(page.takeFrames()[0]?.vehicles[0]?.[6]).toBe('stale');
    tick(NOW + SILENT_AFTER_MS);
    expect(page.takeFrames()).toMatchObject([{ vehicles: [], gone: [[id(1), 0]], figures: { silent: 1 } }]);
  });

  it('encodes one frame for all clients with nearly the same viewport', () => {
    const { broadcaster, tick, open, encodings } = setUp();
    tick(NOW);
    const pages = Array.from({ length: 5 }, (_, n) => open({ ...monaco, west: monaco.west + n * 1e-5 }));
    expect(broadcaster.roomCount).toBe(1);
    expect(tick(NOW + TICK_MS)).toMatchObject({ framesSent: 5, framesSkipped: 0 });
    expect(encodings()).toBe(1);
    expect(pages.map((page) => page.takeFrames().length)).toEqual([1, 1, 1, 1, 1]);
  });

  it('sends binary frames to the clients that ask for them, with the same content', () => {
    const { tick, fold, open, encodings } = setUp();
    fold(telemetry({ location: inMonaco }), telemetry({ device_id: id(2), location: inMonaco }));
    tick(NOW);
    const page = open(monaco);
    const binary = [open(monaco, null, { binary: true }), open(monaco, null, { binary: true })];
    const before = encodings();
    fold(
      telemetry({ location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 1 }),
      telemetry({ device_id: id(2), location: inNice, timestamp: NOW + 1 }),
      telemetry({ device_id: id(3), location: inMonaco }),
    );
    tick(NOW + TICK_MS);
    expect(encodings() - before).toBe(2);
    const expected = page.take().map(([message, frame]) => [message, { ...(frame as Frame), view: '' }]);
    expect(expected).toHaveLength(2);
    for (const each of binary) {
      const received = each.take().map(([message, frame]) => [message, { ...(frame as Frame), view: '' }]);
      expect(received).toEqual(expected);
    }
  });

  it('sends a client only what its token allows', () => {
    const { broadcaster, tick, fold, open } = setUp();
    fold(
      telemetry({ location: inMonaco }),
      telemetry({ device_id: id(2), provider_id: OTHER_PROVIDER, location: inMonaco }),
    );
    tick(NOW);
    const page = open(monaco, OTHER_PROVIDER);
    expect(page.deviceIds).toEqual([id(2)]);
    broadcaster.watch(page, vehicle(1), NOW);
    fold(telemetry({ location: inMonaco, timestamp: NOW + 1 }));
    page.take();
    tick(NOW + TICK_MS);
    expect(page.takeFrames()).toMatchObject([{ vehicles: [], figures: { byState: { unknown: 1 } } }]);
  });

  it('applies the last of several viewports in a row', () => {
    const { broadcaster, tick, fold, open } = setUp();
    fold(telemetry({ location: inNice }));
    tick(NOW);
    const page = open(monaco);
    broadcaster.viewport(page, { west: 0, south: 0, east: 1, north: 1 }, NOW + 1);
    broadcaster.viewport(page, nice, NOW + VIEWPORT_INTERVAL_MS - 1);
    expect(messages(page)).toEqual(['snapshot']);
    tick(NOW + TICK_MS);
    expect(page.drawn.size).toBe(1);
    expect(broadcaster.roomCount).toBe(1);
  });

  it('sends the watched vehicle at once and whenever it changes', () => {
    const { broadcaster, tick, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    tick(NOW);
    const page = open(null);
    broadcaster.watch(page, vehicle(1), NOW);
    tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['vehicle']);
    fold(vehicleEvent({ timestamp: NOW + 1 }), telemetry({ device_id: id(2) }));
    tick(NOW + 2 * TICK_MS);
    const [[, detail]] = page.take() as [[string, VehicleDetail]];
    expect(detail).toMatchObject({ device_id: id(1), vehicle_state: 'reserved' });
    broadcaster.watch(page, null, NOW);
    fold(telemetry({ timestamp: NOW + 2 }));
    tick(NOW + 3 * TICK_MS);
    expect(messages(page)).toEqual([]);
  });

  it('separates vehicles of two providers with the same device id', () => {
    const { broadcaster, tick, fold, open } = setUp();
    const other = { provider_id: OTHER_PROVIDER, location: inNice };
    fold(telemetry({ location: inMonaco }), telemetry(other));
    tick(NOW);
    const world = { west: -180, south: -90, east: 180, north: 90 };
    const [page, own] = [open(world), open(world, PROVIDER)];
    expect(page.drawn.size).toBe(2);
    expect([...own.drawn.keys()]).toEqual([`${PROVIDER} ${id(1)}`]);
    broadcaster.watch(page, vehicle(1), NOW);
    page.take();
    fold(telemetry({ ...other, timestamp: NOW + 1 }));
    tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['frame']);
    expect(page.drawn.get(`${PROVIDER} ${id(1)}`)?.slice(0, 3)).toEqual([id(1), inMonaco.lat, inMonaco.lng]);
    fold(telemetry({ location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 1 }));
    tick(NOW + 2 * TICK_MS);
    expect(page.take().at(-1)).toMatchObject([
      'vehicle',
      { provider_id: PROVIDER, location: { lat: 43.741 } },
    ]);
  });

  it('finds a vehicle by its device id alone and keeps watching it', () => {
    const { broadcaster, tick, fold, open } = setUp();
    const page = open(null);
    broadcaster.watch(page, vehicle(1, null), NOW);
    tick(NOW);
    expect(messages(page)).toEqual([]);
    fold(telemetry());
    tick(NOW + TICK_MS);
    expect(page.take()).toMatchObject([['vehicle', { provider_id: PROVIDER }]]);
    fold(telemetry({ provider_id: OTHER_PROVIDER, timestamp: NOW + 5 }), telemetry({ timestamp: NOW + 1 }));
    tick(NOW + 2 * TICK_MS);
    expect(page.take()).toMatchObject([['vehicle', { provider_id: PROVIDER }]]);
  });

  it('looks for a vehicle only after the first tick, when the city is complete', () => {
    const { broadcaster, tick, fold, open } = setUp();
    fold(telemetry());
    const page = open(null);
    broadcaster.watch(page, vehicle(1, null), NOW);
    broadcaster.watch(page, vehicle(1), NOW);
    broadcaster.watch(page, vehicle(1, null), NOW);
    expect(messages(page)).toEqual([]);
    fold(telemetry({ provider_id: OTHER_PROVIDER }));
    tick(NOW);
    expect(messages(page)).toEqual(['refused']);
  });

  it('refuses a device id that several providers have, naming them', () => {
    const { broadcaster, tick, fold, open } = setUp();
    fold(telemetry(), telemetry({ provider_id: OTHER_PROVIDER }));
    tick(NOW);
    const page = open(null);
    broadcaster.watch(page, vehicle(1, null), NOW);
    const [[message, refusal]] = page.take() as [[string, { message: string; reason: string }]];
    expect({ message, about: refusal.message }).toEqual({ message: 'refused', about: 'watch' });
    expect(refusal.reason).toContain(PROVIDER);
    expect(refusal.reason).toContain(OTHER_PROVIDER);
    const own = open(null, OTHER_PROVIDER);
    broadcaster.watch(own, vehicle(1, null), NOW);
    expect(own.take()).toMatchObject([['vehicle', { provider_id: OTHER_PROVIDER }]]);
    broadcaster.watch(own, vehicle(1, PROVIDER), NOW);
    expect(messages(own)).toEqual([]);
  });

  it('skips a client that is behind, and sends it what changed meanwhile once it has drained', () => {
    const { broadcaster, tick, fold, open } = setUp();
    tick(NOW);
    const [slow, quick] = [open(monaco), open(monaco)];
    broadcaster.watch(slow, vehicle(1), NOW);
    slow.take();
    slow.backlog = MAX_BACKLOG_BYTES + 1;
    for (let n = 1; n <= 3; n += 1) {
      fold(telemetry({ location: inMonaco, timestamp: NOW + n }));
      expect(tick(NOW + n * TICK_MS)).toMatchObject({ framesSent: 1, framesSkipped: 1 });
    }
    broadcaster.viewport(slow, monaco, NOW + 3 * TICK_MS);
    broadcaster.watch(slow, vehicle(1), NOW + 3 * TICK_MS);
    expect(messages(slow)).toEqual([]);
    expect(quick.takeFrames().length).toBe(3);
    slow.backlog = 0;
    tick(NOW + 4 * TICK_MS);
    expect(messages(slow)).toEqual(['vehicle', 'frame']);
    expect(slow.drawn.size).toBe(1);
    expect(slow.drawn).toEqual(quick.drawn);
    expect(tick(NOW + 5 * TICK_MS)).toMatchObject({ framesSent: 2, framesSkipped: 0 });
  });

  it('sends nothing to a client that has disconnected, and deletes its empty room', () => {
    const { broadcaster, tick, open } = setUp();
    tick(NOW);
    const page = open(monaco);
    broadcaster.disconnect(page);
    broadcaster.disconnect(page);
    expect(broadcaster.roomCount).toBe(0);
    expect(tick(NOW + TICK_MS)).toMatchObject({ framesSent: 0, framesSkipped: 0 });
  });

  it('sends riders who wait in the viewport, until a vehicle is reserved for them or they cancel', () => {
    const { tick, fold, open } = setUp();
    fold(
      riderEvent({ trip_id: id(100), location: inMonaco }),
      riderEvent({ trip_id: id(101), location: inMonaco }),
      riderEvent({ trip_id: id(102), location: inNice }),
    );
    tick(NOW);
    const page = open(monaco);
    expect(page.waitingTrips).toEqual([id(100), id(101)]);
    const [frame] = page.take().map(([, payload]) => payload as Frame);
    expect(frame?.requests[0]).toEqual([id(100), inMonaco.lat, inMonaco.lng, NOW, 0]);
    expect(frame?.providers).toEqual({ 0: PROVIDER });
    fold(
      vehicleEvent({ trip_ids: [id(100)], location: inMonaco, timestamp: NOW + 1 }),
      riderEvent({ trip_id: id(101), event_type: 'ride_cancel', location: inMonaco, timestamp: NOW + 1 }),
      riderEvent({ trip_id: id(103), location: inMonaco }),
    );
    tick(NOW + TICK_MS);
    expect(page.waitingTrips).toEqual([id(103)]);
  });

  it('removes riders whose request is too old to count', () => {
    const { tick, fold, open } = setUp();
    fold(riderEvent({ location: inMonaco }));
    tick(NOW);
    const page = open(monaco);
    expect(page.waitingTrips).toEqual([id(100)]);
    tick(NOW + TRIP_KEPT_MS);
    expect(page.waitingTrips).toEqual([]);
  });

  it('sends vehicles, riders and figures of the chosen provider only, and none that the token does not allow', () => {
    const { broadcaster, tick, fold, open } = setUp();
    fold(
      telemetry({ location: inMonaco }),
      telemetry({ device_id: id(2), provider_id: OTHER_PROVIDER, location: inMonaco }),
      riderEvent({ trip_id: id(100), location: inMonaco }),
      riderEvent({ trip_id: id(101), provider_id: OTHER_PROVIDER, location: inMonaco }),
    );
    tick(NOW);
    const page = open({ ...monaco, providerId: OTHER_PROVIDER });
    expect([page.deviceIds, page.waitingTrips]).toEqual([[id(2)], [id(101)]]);
    const figures = page.take().map(([, payload]) => (payload as Frame).figures);
    expect(figures[0]).toMatchObject({ requestsWaiting: 1, byState: { unknown: 1 } });
    const limited = open(monaco, PROVIDER);
    expect([limited.deviceIds, limited.waitingTrips]).toEqual([[id(1)], [id(100)]]);
    limited.take();
    broadcaster.viewport(limited, { ...monaco, providerId: OTHER_PROVIDER }, NOW + TICK_MS);
    expect(limited.take()).toEqual([
      [
        'refused',
        {
          message: 'viewport',
          code: 'FORBIDDEN',
          reason: `the token is limited to the provider ${PROVIDER}`,
        },
      ],
    ]);
    expect(limited.deviceIds).toEqual([id(1)]);
  });
});
