import type { LiveFrame, ResumePoint, Viewport, ViewportRequest } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { id, NOW, OTHER_PROVIDER, PROVIDER, riderEvent, telemetry } from '../fold/events.fixture.js';
import { SILENT_AFTER_MS } from '../fold/vehicle.js';
import { setUp, TICK_MS, type Page } from './pages.fixture.js';

const monaco: Viewport = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const nice: Viewport = { west: 7.2, south: 43.65, east: 7.3, north: 43.75 };
const inMonaco = { lat: 43.74, lng: 7.42 };
const inNice = { lat: 43.7, lng: 7.25 };

const messages = (page: Page) => page.take().map(([message]) => message);

function contentsOf({ drawn, waiting, held }: Page) {
  return { drawn, waiting, held };
}

/** A city with three vehicles in Monaco, and clients that disconnect and return. */
function setUpVehicles(options: Parameters<typeof setUp>[0] = {}) {
  const setup = setUp(options);
  const { broadcaster, fold, tick } = setup;
  const move = (n: number, location: { lat: number; lng: number }, after: number) =>
    fold(telemetry({ device_id: id(n), location, timestamp: NOW + after }));
  for (const n of [1, 2, 3]) move(n, inMonaco, 0);
  tick(NOW);
  return {
    ...setup,
    move,
    /** Connects a client again that has disconnected; by default, with the state that it has. */
    comeBack: (
      page: Page,
      {
        binary = false,
        now = NOW,
        ...viewport
      }: Partial<ViewportRequest> & { binary?: boolean; now?: number },
    ) => {
      const resume = page.held !== null && { resume: page.held };
      broadcaster.connect(page, null, { binary });
      broadcaster.viewport(page, { ...monaco, ...resume, ...viewport }, now);
    },
  };
}

describe('a client that reconnects', () => {
  it.each([{ binary: false }, { binary: true }])(
    'is sent one frame with what changed in its view meanwhile: %j',
    ({ binary }) => {
      const { broadcaster, tick, fold, open, move, comeBack } = setUpVehicles();
      move(4, inNice, 0);
      fold(riderEvent({ trip_id: id(100), location: inMonaco }));
      tick(NOW + 1);
      const [page, other] = [open(monaco, null, { binary }), open(monaco, null, { binary })];
      broadcaster.disconnect(page);
      page.take();
      move(1, { ...inMonaco, lat: 43.741 }, 1);
      move(2, inNice, 1);
      tick(NOW + TICK_MS);
      move(4, inMonaco, 2);
      fold(
        riderEvent({ trip_id: id(100), event_type: 'ride_cancel', location: inMonaco, timestamp: NOW + 2 }),
        riderEvent({ trip_id: id(101), location: inMonaco, timestamp: NOW + 2 }),
      );
      expect(tick(NOW + 2 * TICK_MS).answers).toEqual({ snapshot: 0, resumed: 0 });
      comeBack(page, { binary, now: NOW + 2 * TICK_MS });
      const [[message, payload]] = page.take() as [[string, LiveFrame]];
      expect(message).toBe('frame');
      expect(payload.vehicles.map(([deviceId]) => deviceId).toSorted()).toEqual([id(1), id(4)]);
      expect(payload.requests.map(([tripId]) => tripId)).toEqual([id(101)]);
      expect(payload).toMatchObject({ gone: [[id(2), 0]], requestsGone: [[id(100), 0]] });
      expect(contentsOf(page)).toEqual(contentsOf(other));
      // A binary frame refers to vehicles that the one before introduced.
      for (const n of [1, 3, 4]) move(n, { ...inMonaco, lng: 7.421 }, 3);
      expect(tick(NOW + 3 * TICK_MS).answers).toEqual({ snapshot: 0, resumed: 1 });
      expect(messages(page)).toEqual(['frame']);
      expect(contentsOf(page)).toEqual(contentsOf(other));
    },
  );

  it.each([{ binary: false }, { binary: true }])(
    'keeps a vehicle that was silent meanwhile, and one that left and returned: %j',
    ({ binary }) => {
      const { city, broadcaster, tick, open, move, comeBack } = setUpVehicles();
      const page = open(monaco, null, { binary });
      broadcaster.disconnect(page);
      page.take();
      move(2, inNice, 1);
      tick(NOW + TICK_MS);
      move(2, inMonaco, 2);
      tick(NOW + 2 * TICK_MS);
      const later = NOW + 2 * SILENT_AFTER_MS;
      tick(later);
      for (const n of [1, 2, 3]) {
        const event = telemetry({ device_id: id(n), location: inMonaco, timestamp: later });
        city.fold(event, { receivedAt: later, now: later });
      }
      tick(later + TICK_MS);
      comeBack(page, { binary, now: later + TICK_MS });
      const [[message, { vehicles, gone }]] = page.take() as [[string, LiveFrame]];
      expect([message, vehicles.length, gone]).toEqual(['frame', 3, []]);
      const fresh = open(monaco, null, { binary });
      expect(contentsOf(page)).toEqual(contentsOf(fresh));
    },
  );

  it.each<[string, (held: ResumePoint) => Partial<ViewportRequest>]>([
    ['with the state of another view', () => nice],
    ['with the state of another epoch', (held) => ({ resume: { ...held, epoch: held.epoch + 1 } })],
    ['with a state that the service has not sent', (held) => ({ resume: { ...held, sequence: 99 } })],
  ])('is sent a snapshot %s', (_, viewportOf) => {
    const { broadcaster, tick, open, comeBack } = setUpVehicles();
    const page = open(monaco);
    broadcaster.disconnect(page);
    tick(NOW + TICK_MS);
    page.take();
    comeBack(page, viewportOf(page.held!));
    expect(messages(page)).toEqual(['snapshot']);
  });

  it('is sent a snapshot if departures are no longer known, or more vehicles have left than are in the view', () => {
    for (const [resumeDepartures, leaving] of [
      [1, [1]],
      [1, [1, 2]],
      [100, [1, 2]],
    ] as const) {
      const { broadcaster, tick, open, move, comeBack } = setUpVehicles({ resumeDepartures });
      const page = open(monaco);
      broadcaster.disconnect(page);
      page.take();
      for (const n of leaving) move(n, inNice, 1);
      tick(NOW + TICK_MS);
      comeBack(page, { now: NOW + TICK_MS });
      expect(messages(page)).toEqual([leaving.length === 1 ? 'frame' : 'snapshot']);
      expect(page.deviceIds.length).toBe(3 - leaving.length);
    }
  });

  it.each([{ binary: false }, { binary: true }])(
    'is sent nothing of other providers than that of its token: %j',
    ({ binary }) => {
      const { broadcaster, tick, fold, open, move } = setUpVehicles();
      const other = { provider_id: OTHER_PROVIDER };
      for (const n of [7, 8]) fold(telemetry({ device_id: id(n), location: inMonaco, ...other }));
      fold(riderEvent({ trip_id: id(107), location: inMonaco, ...other }));
      tick(NOW + 1);
      const page = open(monaco, PROVIDER, { binary });
      broadcaster.disconnect(page);
      page.take();
      move(1, inNice, 1);
      fold(
        telemetry({ device_id: id(7), location: inNice, timestamp: NOW + 1, ...other }),
        telemetry({ device_id: id(8), location: { ...inMonaco, lat: 43.741 }, timestamp: NOW + 1, ...other }),
        riderEvent({
          trip_id: id(107),
          event_type: 'ride_cancel',
          location: inMonaco,
          timestamp: NOW + 1,
          ...other,
        }),
      );
      tick(NOW + TICK_MS);
      broadcaster.connect(page, PROVIDER, { binary });
      broadcaster.viewport(page, { ...monaco, resume: page.held! }, NOW + TICK_MS);
      const [[message, payload]] = page.take() as [[string, LiveFrame]];
      expect(message).toBe('frame');
      expect(payload).toMatchObject({ vehicles: [], gone: [[id(1), 0]], requests: [], requestsGone: [] });
      expect(Object.values(payload.providers)).toEqual([PROVIDER]);
    },
  );

  it('is sent a snapshot if its view has counts', () => {
    const { broadcaster, open, comeBack } = setUpVehicles({ counts: { above: 2, upTo: 1 } });
    const page = open({ ...monaco, counts: true });
    expect([page.drawn.size, page.cells.size]).toEqual([0, 1]);
    broadcaster.disconnect(page);
    page.take();
    comeBack(page, { counts: true });
    expect(messages(page)).toEqual(['snapshot']);
    expect([page.drawn.size, page.cells.size]).toEqual([0, 1]);
  });
});

describe('clients that need a state at the same time', () => {
  it('are answered in their turn, as many per tick as are allowed', () => {
    const { tick, open } = setUpVehicles({ snapshotsPerTick: 2 });
    const pages = [1, 2, 3, 4, 5].map(() => open(monaco));
    expect(pages.map(messages)).toEqual([['snapshot'], ['snapshot'], [], [], []]);
    expect(tick(NOW + TICK_MS)).toMatchObject({ answers: { snapshot: 2, resumed: 0 }, waitingCount: 1 });
    expect(pages.map(messages)).toEqual([['frame'], ['frame'], ['snapshot'], ['snapshot'], []]);
    const late = open(monaco);
    expect(tick(NOW + 2 * TICK_MS)).toMatchObject({ answers: { snapshot: 2, resumed: 0 }, waitingCount: 0 });
    expect(messages(pages[4]!)).toEqual(['snapshot']);
    expect(messages(late)).toEqual(['snapshot']);
  });

  it('do not wait for one that has disconnected, and keep their turn if they move their viewport', () => {
    const { broadcaster, tick, open } = setUpVehicles({ snapshotsPerTick: 1 });
    const [first, second, third, fourth] = [open(monaco), open(monaco), open(monaco), open(monaco)];
    broadcaster.disconnect(second);
    broadcaster.viewport(third, nice, NOW + 200);
    first.take();
    tick(NOW + TICK_MS);
    expect([second, third, fourth].map(messages)).toEqual([[], ['snapshot'], []]);
    expect(third.deviceIds).toEqual([]);
    tick(NOW + 2 * TICK_MS);
    expect(messages(fourth)).toEqual(['snapshot']);
  });

  it('are not all sent a snapshot in one tick after the city was cleared', () => {
    const { city, tick, fold, open } = setUpVehicles({ snapshotsPerTick: 2 });
    const pages = [1, 2, 3, 4, 5].map(() => open(monaco));
    for (const count of [1, 2]) tick(NOW + count * TICK_MS);
    pages.map(messages);
    city.clear();
    fold(telemetry({ device_id: id(9), location: inMonaco, timestamp: NOW + 1 }));
    const sent: (string | undefined)[][] = [];
    for (const count of [3, 4, 5]) {
      tick(NOW + count * TICK_MS);
      sent.push(pages.map((page) => messages(page).at(-1)));
    }
    expect(sent).toEqual([
      ['snapshot', 'snapshot', undefined, undefined, undefined],
      ['frame', 'frame', 'snapshot', 'snapshot', undefined],
      ['frame', 'frame', 'frame', 'frame', 'snapshot'],
    ]);
    expect(pages.map(({ deviceIds }) => deviceIds)).toEqual(Array(5).fill([id(9)]));
  });

  it('share the bytes of an answer', () => {
    const { tick, fold, open, encodings } = setUp();
    fold(telemetry({ location: inMonaco }));
    const pages = [1, 2, 3].map(() => open(monaco));
    const other = open(nice);
    tick(NOW);
    expect(encodings()).toBe(1);
    expect(pages.map(messages)).toEqual([['snapshot'], ['snapshot'], ['snapshot']]);
    expect(messages(other)).toEqual(['snapshot']);
    expect([...pages[0]!.rooms]).toHaveLength(1);
  });
});
