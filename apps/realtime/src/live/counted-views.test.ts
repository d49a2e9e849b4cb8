import type { Viewport } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { id, NOW, telemetry } from '../fold/events.fixture.js';
import { setUp, TICK_MS, type Page } from './pages.fixture.js';

const monaco: Viewport = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };
const inMonaco = { lat: 43.74, lng: 7.42 };
const inNice = { lat: 43.7, lng: 7.25 };

const messages = (page: Page) => page.take().map(([message]) => message);

describe('counts per cell', () => {
  it('are sent while there are too many vehicles, to clients that ask for them', () => {
    const { tick, fold, open } = setUp({ counts: { above: 3, upTo: 2 } });
    const places = [0, 1, 2, 3].map((n) => ({ ...inMonaco, lng: 7.41 + n / 100 }));
    const move = (n: number, location: { lat: number; lng: number }, after: number) =>
      fold(telemetry({ device_id: id(n), location, timestamp: NOW + after }));
    for (const n of [0, 1, 2]) move(n, places[n]!, 0);
    tick(NOW);
    const page = open({ ...monaco, counts: true });
    const other = open(monaco);
    expect([page.drawn.size, page.cells.size]).toEqual([3, 0]);
    move(3, places[3]!, 0);
    tick(NOW + TICK_MS);
    expect(messages(page)).toEqual(['snapshot', 'snapshot']);
    expect([page.drawn.size, [...page.cells.values()]]).toEqual([0, Array(4).fill({ unknown: 1 })]);
    move(3, places[0]!, 1);
    tick(NOW + 2 * TICK_MS);
    const [frame] = page.takeFrames();
    expect(frame?.cells?.map(([, , counts]) => counts)).toEqual([{ unknown: 2 }, {}]);
    move(3, inNice, 2);
    tick(NOW + 3 * TICK_MS);
    expect(page.takeFrames()).toMatchObject([
      { vehicles: [], gone: [], cells: [[expect.any(Number), expect.any(Number), { unknown: 1 }]] },
    ]);
    move(2, inNice, 3);
    tick(NOW + 4 * TICK_MS);
    expect(messages(page)).toEqual(['snapshot']);
    expect([page.drawn.size, page.cells.size]).toEqual([2, 0]);
    expect(messages(other)).toEqual(['snapshot', 'frame', 'frame', 'frame', 'frame']);
    expect(other.cells.size).toBe(0);
  });

  it('have no vehicles of a city that was cleared', () => {
    const { city, tick, fold, open } = setUp({ counts: { above: 1, upTo: 0 } });
    for (const n of [1, 2]) fold(telemetry({ device_id: id(n), location: inMonaco }));
    tick(NOW);
    const page = open({ ...monaco, counts: true });
    expect([...page.cells.values()]).toEqual([{ unknown: 2 }]);
    city.clear();
    for (const n of [3, 4, 5]) fold(telemetry({ device_id: id(n), location: inMonaco }));
    tick(NOW + TICK_MS);
    expect([...page.cells.values()]).toEqual([{ unknown: 3 }]);
  });
});
