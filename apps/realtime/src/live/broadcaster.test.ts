import type { Frame, ServerToClient, VehicleDetail, VehicleRow, Viewport } from '@hailstream/events/live';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent, type Scope } from '../fold/city-state.js';
import { SILENT_AFTER_MS, STALE_AFTER_MS } from '../fold/contact.js';
import { id, NOW, OTHER_PROVIDER, PROVIDER, telemetry, vehicleEvent } from '../fold/events.fixture.js';
import { Broadcaster, MAX_BACKLOG_BYTES, VIEWPORT_INTERVAL_MS, type Client } from './broadcaster.js';
import { cover, covers } from './grid.js';

const TICK_MS = 500;
const monaco: Viewport = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const nice: Viewport = { west: 7.2, south: 43.65, east: 7.3, north: 43.75 };
const inMonaco = { lat: 43.74, lng: 7.42 };
const inNice = { lat: 43.7, lng: 7.25 };

/** A client as a page is one: keeps what it was told, and looks at nothing else. */
class Page implements Client {
  readonly received: [keyof ServerToClient, unknown][] = [];
  readonly rooms = new Set<string>();
  /** By provider and device. */
  readonly drawn = new Map<string, VehicleRow>();
  backlog = 0;

  send(message: keyof ServerToClient, payload: unknown): void {
    this.received.push([message, payload]);
    if (message === 'snapshot') this.drawn.clear();
    if (message !== 'snapshot' && message !== 'frame') return;
    const { vehicles, gone, providers } = payload as Frame;
    const keyOf = (deviceId: string, provider: number) => `${providers[provider]} ${deviceId}`;
    for (const [deviceId, provider] of gone) this.drawn.delete(keyOf(deviceId, provider));
    for (const row of vehicles) this.drawn.set(keyOf(row[0], row[7]), row);
  }

  get deviceIds(): string[] {
    return [...this.drawn.values()].map(([deviceId]) => deviceId);
  }

  join(room: string): void {
    this.rooms.add(room);
  }

  leave(room: string): void {
    this.rooms.delete(room);
  }

  backlogBytes(): number {
    return this.backlog;
  }

  /** What came since the last call. */
  take(): [keyof ServerToClient, unknown][] {
    return this.received.splice(0);
  }

  takeFrames(): Frame[] {
    return this.take().flatMap(([message, payload]) => (message === 'frame' ? [payload as Frame] : []));
  }
}

function setUp() {
  const city = new CityState();
  const pages: Page[] = [];
  let encodings = 0;
  const broadcaster = new Broadcaster(
    city,
    (room, message, payload) => {
      encodings += 1;
      for (const page of pages) if (page.rooms.has(room)) page.send(message, payload);
    },
    TICK_MS,
  );
  return {
    city,
    broadcaster,
    encodings: () => encodings,
    fold: (...events: CityEvent[]) => {
      for (const event of events) city.fold(event, { receivedAt: NOW, now: NOW });
    },
    open: (viewport: Viewport | null, scope: Scope = null): Page => {
      const page = new Page();
      pages.push(page);
      broadcaster.connect(page, scope);
      if (viewport !== null) broadcaster.viewport(page, viewport, NOW);
      return page;
    },
  };
}

const vehicle = (n: number, providerId: string | null = PROVIDER) => ({ deviceId: id(n), providerId });
const messages = (page: Page) => page.take().map(([message]) => message);

describe('Broadcaster', () => {
  it('tells how the service stands: on connecting, when it changes, and to those that were behind', () => {
    const { broadcaster, open } = setUp();
    const early = open(null);
    expect(messages(early)).toEqual([]);
    const unreadable = { count: 0, lastAt: null };
    const rebuilding = {
      asOf: NOW,
      unreadable,
      status: { kind: 'rebuilding', percent: 4, reason: null },
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
    broadcaster.tick(NOW + TICK_MS);
    expect(late.take()).toEqual([['status', following]]);
  });

  it('starts every client from a new snapshot once the city was cleared', () => {
    const { city, broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    broadcaster.tick(NOW);
    const page = open(monaco);
    broadcaster.watch(page, vehicle(1), NOW);
    page.take();
    city.clear();
    fold(telemetry({ device_id: id(2), location: inMonaco, timestamp: NOW + 1 }));
    broadcaster.tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['snapshot']);
    expect(page.deviceIds).toEqual([id(2)]);
    fold(telemetry({ location: inMonaco, timestamp: NOW + 2 }));
    broadcaster.tick(NOW + 2 * TICK_MS);
    expect(messages(page)).toEqual(['frame', 'vehicle']);
  });

  it('answers a viewport with a snapshot at once, and then sends one frame a tick', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }), telemetry({ device_id: id(2), location: inNice }));
    broadcaster.tick(NOW);
    const page = open(monaco);
    expect(page.deviceIds).toEqual([id(1)]);
    expect(messages(page)).toEqual(['snapshot']);
    broadcaster.tick(NOW + TICK_MS);
    broadcaster.tick(NOW + 2 * TICK_MS);
    expect(messages(page)).toEqual(['frame', 'frame']);
  });

  it('answers with the first tick where there was none yet', () => {
    const { broadcaster, fold, open } = setUp();
    const page = open(monaco);
    expect(messages(page)).toEqual([]);
    fold(telemetry({ location: inMonaco }));
    broadcaster.tick(NOW);
    expect(messages(page)).toEqual(['snapshot']);
    expect(page.drawn.size).toBe(1);
  });

  it('sends what has changed in the viewport, and figures even where nothing has', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }), telemetry({ device_id: id(2), location: inMonaco }));
    broadcaster.tick(NOW);
    const page = open(monaco);
    page.take();
    fold(
      telemetry({ location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 1 }),
      telemetry({ device_id: id(3), location: inNice }),
    );
    broadcaster.tick(NOW + TICK_MS);
    broadcaster.tick(NOW + 2 * TICK_MS);
    const [first, second] = page.takeFrames();
    expect(first?.vehicles.map(([deviceId]) => deviceId)).toEqual([id(1)]);
    expect(second).toMatchObject({ vehicles: [], gone: [], figures: { byState: { unknown: 3 } } });
  });

  it('says which vehicles left the viewport', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    broadcaster.tick(NOW);
    const [here, there] = [open(monaco), open(nice)];
    fold(telemetry({ location: inNice, timestamp: NOW + 1 }));
    broadcaster.tick(NOW + TICK_MS);
    expect(here.takeFrames()).toMatchObject([{ vehicles: [], gone: [[id(1), 0]] }]);
    expect(there.takeFrames()).toMatchObject([
      { vehicles: [[id(1), inNice.lat, inNice.lng, null, null, null, 'live', 0]], gone: [] },
    ]);
  });

  it('says which vehicles faded and which went silent, though nothing came', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    broadcaster.tick(NOW);
    const page = open(monaco);
    page.take();
    broadcaster.tick(NOW + STALE_AFTER_MS);
    expect(page.takeFrames()[0]?.vehicles[0]?.[6]).toBe('stale');
    broadcaster.tick(NOW + SILENT_AFTER_MS);
    expect(page.takeFrames()).toMatchObject([{ vehicles: [], gone: [[id(1), 0]], figures: { silent: 1 } }]);
  });

  it('encodes one frame for all who look at nearly the same', () => {
    const { broadcaster, open, encodings } = setUp();
    broadcaster.tick(NOW);
    const pages = Array.from({ length: 5 }, (_, n) => open({ ...monaco, west: monaco.west + n * 1e-5 }));
    expect(broadcaster.roomCount).toBe(1);
    expect(broadcaster.tick(NOW + TICK_MS)).toMatchObject({ framesSent: 5, framesSkipped: 0 });
    expect(encodings()).toBe(1);
    expect(pages.map((page) => page.takeFrames().length)).toEqual([1, 1, 1, 1, 1]);
  });

  it('shows a page what its token allows, and no more', () => {
    const { broadcaster, fold, open } = setUp();
    fold(
      telemetry({ location: inMonaco }),
      telemetry({ device_id: id(2), provider_id: OTHER_PROVIDER, location: inMonaco }),
    );
    broadcaster.tick(NOW);
    const page = open(monaco, OTHER_PROVIDER);
    expect(page.deviceIds).toEqual([id(2)]);
    broadcaster.watch(page, vehicle(1), NOW);
    fold(telemetry({ location: inMonaco, timestamp: NOW + 1 }));
    page.take();
    broadcaster.tick(NOW + TICK_MS);
    expect(page.takeFrames()).toMatchObject([{ vehicles: [], figures: { byState: { unknown: 1 } } }]);
  });

  it('shows the last of several viewports in a row', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inNice }));
    broadcaster.tick(NOW);
    const page = open(monaco);
    broadcaster.viewport(page, { west: 0, south: 0, east: 1, north: 1 }, NOW + 1);
    broadcaster.viewport(page, nice, NOW + VIEWPORT_INTERVAL_MS - 1);
    expect(messages(page)).toEqual(['snapshot']);
    broadcaster.tick(NOW + TICK_MS);
    expect(page.drawn.size).toBe(1);
    expect(broadcaster.roomCount).toBe(1);
  });

  it('sends the watched vehicle at once and whenever something about it changes', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry({ location: inMonaco }));
    broadcaster.tick(NOW);
    const page = open(null);
    broadcaster.watch(page, vehicle(1), NOW);
    broadcaster.tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['vehicle']);
    fold(vehicleEvent({ timestamp: NOW + 1 }), telemetry({ device_id: id(2) }));
    broadcaster.tick(NOW + 2 * TICK_MS);
    const [[, detail]] = page.take() as [[string, VehicleDetail]];
    expect(detail).toMatchObject({ device_id: id(1), vehicle_state: 'reserved' });
    broadcaster.watch(page, null, NOW);
    fold(telemetry({ timestamp: NOW + 2 }));
    broadcaster.tick(NOW + 3 * TICK_MS);
    expect(messages(page)).toEqual([]);
  });

  it('keeps apart what two providers say of the same device id', () => {
    const { broadcaster, fold, open } = setUp();
    const other = { provider_id: OTHER_PROVIDER, location: inNice };
    fold(telemetry({ location: inMonaco }), telemetry(other));
    broadcaster.tick(NOW);
    const world = { west: -180, south: -90, east: 180, north: 90 };
    const [page, own] = [open(world), open(world, PROVIDER)];
    expect(page.drawn.size).toBe(2);
    expect([...own.drawn.keys()]).toEqual([`${PROVIDER} ${id(1)}`]);
    broadcaster.watch(page, vehicle(1), NOW);
    page.take();
    fold(telemetry({ ...other, timestamp: NOW + 1 }));
    broadcaster.tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['frame']);
    expect(page.drawn.get(`${PROVIDER} ${id(1)}`)?.slice(0, 3)).toEqual([id(1), inMonaco.lat, inMonaco.lng]);
    fold(telemetry({ location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 1 }));
    broadcaster.tick(NOW + 2 * TICK_MS);
    expect(page.take().at(-1)).toMatchObject([
      'vehicle',
      { provider_id: PROVIDER, location: { lat: 43.741 } },
    ]);
  });

  it('finds a vehicle by its device id alone, and stays with it', () => {
    const { broadcaster, fold, open } = setUp();
    const page = open(null);
    broadcaster.watch(page, vehicle(1, null), NOW);
    broadcaster.tick(NOW);
    expect(messages(page)).toEqual([]);
    fold(telemetry());
    broadcaster.tick(NOW + TICK_MS);
    expect(page.take()).toMatchObject([['vehicle', { provider_id: PROVIDER }]]);
    fold(telemetry({ provider_id: OTHER_PROVIDER, timestamp: NOW + 5 }), telemetry({ timestamp: NOW + 1 }));
    broadcaster.tick(NOW + 2 * TICK_MS);
    expect(page.take()).toMatchObject([['vehicle', { provider_id: PROVIDER }]]);
  });

  it('asks whose vehicle is meant if several providers have one of that id', () => {
    const { broadcaster, fold, open } = setUp();
    fold(telemetry(), telemetry({ provider_id: OTHER_PROVIDER }));
    broadcaster.tick(NOW);
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

  it('skips a page that is behind, and starts it afresh once it has drained', () => {
    const { broadcaster, fold, open } = setUp();
    broadcaster.tick(NOW);
    const [slow, quick] = [open(monaco), open(monaco)];
    broadcaster.watch(slow, vehicle(1), NOW);
    slow.take();
    slow.backlog = MAX_BACKLOG_BYTES + 1;
    for (let tick = 1; tick <= 3; tick += 1) {
      fold(telemetry({ location: inMonaco, timestamp: NOW + tick }));
      expect(broadcaster.tick(NOW + tick * TICK_MS)).toMatchObject({ framesSent: 1, framesSkipped: 1 });
    }
    broadcaster.viewport(slow, monaco, NOW + 3 * TICK_MS);
    broadcaster.watch(slow, vehicle(1), NOW + 3 * TICK_MS);
    expect(messages(slow)).toEqual([]);
    expect(quick.takeFrames().length).toBe(3);
    slow.backlog = 0;
    broadcaster.tick(NOW + 4 * TICK_MS);
    expect(messages(slow)).toEqual(['vehicle', 'snapshot']);
    expect(slow.drawn.size).toBe(1);
    expect(slow.drawn).toEqual(quick.drawn);
    expect(broadcaster.tick(NOW + 5 * TICK_MS)).toMatchObject({ framesSent: 2, framesSkipped: 0 });
  });

  it('sends nothing to who has left, and keeps no rooms for nobody', () => {
    const { broadcaster, open } = setUp();
    broadcaster.tick(NOW);
    const page = open(monaco);
    broadcaster.disconnect(page);
    broadcaster.disconnect(page);
    expect(broadcaster.roomCount).toBe(0);
    expect(broadcaster.tick(NOW + TICK_MS)).toMatchObject({ framesSent: 0, framesSkipped: 0 });
  });

  it('has every page draw exactly what is there in its viewport, whatever happens', () => {
    const place = fc.record({
      lat: fc.integer({ min: 0, max: 30 }),
      lng: fc.integer({ min: -190, max: -170 }),
    });
    const wrapped = place.map(({ lat, lng }) => ({ lat, lng: lng < -180 ? lng + 360 : lng }));
    const viewport = fc
      .record({ corner: wrapped, extent: fc.integer({ min: 1, max: 12 }) })
      .map(({ corner: { lat, lng }, extent }) => ({
        south: lat,
        north: lat + extent,
        west: lng,
        east: lng + extent > 180 ? lng + extent - 360 : lng + extent,
      }));
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('move'), device: fc.nat(5), to: wrapped }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('tick'),
          after: fc.constantFrom(500, 500, 61_000, 400_000),
        }),
      },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('look'), page: fc.nat(2), at: viewport }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('stall'), page: fc.nat(2), isStalled: fc.boolean() }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { city, broadcaster, fold, open } = setUp();
        const pages = [open(null), open(null), open(null, PROVIDER)];
        const looking = new Map<Page, Viewport>();
        let now = NOW;
        for (const each of steps as { kind: string; [name: string]: unknown }[]) {
          const page = pages[(each['page'] as number | undefined) ?? 0]!;
          if (each.kind === 'move') {
            // Both providers have vehicles of the same ids.
            const device = each['device'] as number;
            const provider_id = device > 3 ? OTHER_PROVIDER : PROVIDER;
            fold(
              telemetry({
                device_id: id(device % 4),
                provider_id,
                timestamp: now,
                location: each['to'] as typeof inMonaco,
              }),
            );
          } else if (each.kind === 'look') {
            looking.set(page, each['at'] as Viewport);
            broadcaster.viewport(page, each['at'] as Viewport, now);
          } else if (each.kind === 'stall') {
            page.backlog = each['isStalled'] === true ? MAX_BACKLOG_BYTES + 1 : 0;
          } else {
            broadcaster.tick((now += each['after'] as number));
          }
        }
        for (const page of pages) page.backlog = 0;
        broadcaster.tick((now += 500));
        broadcaster.tick((now += 500));
        for (const [index, page] of pages.entries()) {
          const at = looking.get(page);
          const expected = [...city.vehicles(index === 2 ? PROVIDER : null)]
            .map((vehicle) => vehicle.row(now))
            .filter((row) => row !== null)
            .filter((row) => at !== undefined && covers(cover(at), row[1], row[2]));
          const keyOf = (row: VehicleRow) => `${city.providerId(row[7])} ${row[0]}`;
          expect(new Map(page.drawn)).toEqual(new Map(expected.map((row) => [keyOf(row), row])));
        }
      }),
      { numRuns: 500 },
    );
  });
});
