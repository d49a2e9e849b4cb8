import type { LiveFrame, Viewport } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { id, NOW, OTHER_PROVIDER, PROVIDER, telemetry } from '../fold/events.fixture.js';
import { MAX_BACKLOG_BYTES } from './broadcaster.js';
import { setUp, TICK_MS, type Page } from './pages.fixture.js';

const monaco: Viewport = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const inMonaco = { lat: 43.74, lng: 7.42 };
const inNice = { lat: 43.7, lng: 7.25 };

/** A city with this many vehicles in Monaco. */
function setUpVehicles(count: number, options: Parameters<typeof setUp>[0]) {
  const setup = setUp(options);
  const move = (n: number, location: { lat: number; lng: number }, after: number) =>
    setup.fold(telemetry({ device_id: id(n), location, timestamp: NOW + after }));
  for (let n = 1; n <= count; n += 1) move(n, inMonaco, 0);
  setup.tick(NOW);
  return { ...setup, move };
}

const numbersOf = (page: Page) =>
  page.take().map(([message, payload]) => [message, (payload as LiveFrame).vehicles.length]);

describe('a view with more vehicles than one message may have', () => {
  it.each([{ binary: false }, { binary: true }])(
    'is sent in parts, and is complete after the last: %j',
    ({ binary }) => {
      const { broadcaster, tick, open, move } = setUpVehicles(7, { rowsPerMessage: 2 });
      const page = open(monaco, null, { binary });
      expect(numbersOf(page)).toEqual([]);
      broadcaster.sendParts();
      expect(numbersOf(page)).toEqual([
        ['snapshot', 2],
        ['frame', 2],
      ]);
      // While it is sent the rest, vehicles that it has move, leave and enter.
      move(1, inNice, 1);
      move(2, { ...inMonaco, lat: 43.741 }, 1);
      move(8, inMonaco, 1);
      tick(NOW + TICK_MS);
      while (broadcaster.sendParts());
      tick(NOW + 2 * TICK_MS);
      while (broadcaster.sendParts());
      for (let ticks = 3; ticks < 6; ticks += 1) tick(NOW + ticks * TICK_MS);
      expect(page.deviceIds.toSorted()).toEqual([2, 3, 4, 5, 6, 7, 8].map(id));
      const other = open(monaco);
      while (broadcaster.sendParts());
      expect(page.drawn).toEqual(other.drawn);
      // From now on, it is sent what changes.
      page.take();
      move(3, inNice, 2);
      tick(NOW + 6 * TICK_MS);
      expect(page.take()).toMatchObject([['frame', { gone: [[id(3), 0]] }]]);
    },
  );

  it('cannot be continued by a client that was sent a part of it', () => {
    const { broadcaster, open } = setUpVehicles(7, { rowsPerMessage: 2 });
    const page = open(monaco);
    broadcaster.sendParts();
    broadcaster.disconnect(page);
    page.take();
    broadcaster.connect(page, null, { binary: false });
    broadcaster.viewport(page, { ...monaco, resume: page.held! }, NOW);
    broadcaster.sendParts();
    expect(numbersOf(page)[0]).toEqual(['snapshot', 2]);
    while (broadcaster.sendParts());
    expect(page.deviceIds.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7].map(id));
  });

  it('is not sent any further while the client does not read', () => {
    const { tick, open } = setUpVehicles(9, { rowsPerMessage: 2 });
    const [slow, quick] = [open(monaco), open(monaco)];
    slow.backlog = MAX_BACKLOG_BYTES;
    for (let ticks = 1; ticks < 9; ticks += 1) tick(NOW + ticks * TICK_MS);
    expect(slow.take()).toEqual([]);
    expect(quick.deviceIds).toHaveLength(9);
    slow.backlog = 0;
    for (let ticks = 9; ticks < 18; ticks += 1) tick(NOW + ticks * TICK_MS);
    expect(slow.drawn).toEqual(quick.drawn);
  });

  it('is replaced by the next viewport', () => {
    const { tick, open, broadcaster, fold } = setUpVehicles(9, { rowsPerMessage: 2 });
    fold(telemetry({ device_id: id(10), location: inNice }));
    tick(NOW + TICK_MS);
    const page = open(monaco);
    broadcaster.sendParts();
    broadcaster.viewport(page, { west: 7.2, south: 43.65, east: 7.3, north: 43.71 }, NOW + TICK_MS);
    tick(NOW + 2 * TICK_MS);
    expect(page.deviceIds).toEqual([id(10)]);
    expect(broadcaster.sendParts()).toBe(false);
  });

  it('is sent to the clients of several providers in turn', () => {
    const { broadcaster, tick, fold, open } = setUpVehicles(40, { rowsPerMessage: 4 });
    for (let n = 1; n <= 6; n += 1) {
      fold(telemetry({ device_id: id(n), provider_id: OTHER_PROVIDER, location: inMonaco }));
    }
    tick(NOW + TICK_MS);
    const greedy = Array.from({ length: 10 }, () => open(monaco, PROVIDER));
    const other = open(monaco, OTHER_PROVIDER);
    broadcaster.sendParts();
    broadcaster.sendParts();
    expect(other.deviceIds).toHaveLength(6);
    expect(greedy.filter(({ drawn }) => drawn.size === 40)).toHaveLength(0);
  });
});

describe('the clients together', () => {
  it('are sent no more once they have not read as many bytes as all of them may have', () => {
    const { broadcaster, tick, open, move } = setUpVehicles(3, {
      backlogBytes: 2_000_000,
    });
    const clients = [open(monaco), open(monaco), open(monaco)];
    for (let ticks = 1; ticks < 4; ticks += 1) tick(NOW + ticks * TICK_MS);
    const [first, second, quick] = clients;
    for (const slow of [first!, second!]) slow.backlog = MAX_BACKLOG_BYTES;
    for (const client of clients) client.take();
    tick(NOW + 4 * TICK_MS);
    const late = open(monaco);
    broadcaster.sendParts();
    move(1, { ...inMonaco, lat: 43.741 }, 1);
    tick(NOW + 5 * TICK_MS);
    // One that reads is sent frames; nobody is sent a snapshot.
    expect(quick!.takeFrames().at(-1)?.vehicles).toHaveLength(1);
    expect([first!.takeFrames().length, second!.takeFrames().length, late.take().length]).toEqual([1, 1, 0]);
    for (const slow of [first!, second!]) slow.backlog = 0;
    for (let ticks = 6; ticks < 12; ticks += 1) tick(NOW + ticks * TICK_MS);
    for (const client of [first!, second!, late]) expect(client.drawn).toEqual(quick!.drawn);
  });
});
