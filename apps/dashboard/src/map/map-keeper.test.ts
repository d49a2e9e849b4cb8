import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Camera } from '../address/address.js';
import type { MapState } from '../city-state/city-state.js';
import { DRAWN_WITHIN_MS, MapKeeper, MAX_ATTEMPTS, WORKS_AFTER_MS, type MapEvents } from './map-keeper.js';

const here: Camera = { center: [7.42, 43.73], zoom: 14 };

function setUp() {
  const made: { events: MapEvents; camera: Camera | null; removed: boolean }[] = [];
  const states: MapState[] = [];
  const browser = { hasWebGl: true };
  const keeper = new MapKeeper({
    make: (events, camera) => {
      if (!browser.hasWebGl) throw new Error('no WebGL');
      const one = { events, camera, removed: false };
      made.push(one);
      return { camera: here, remove: () => void (one.removed = true) };
    },
    onMap: () => undefined,
    onState: (state) => states.push(state),
  });
  keeper.start();
  return { keeper, made, states, browser, last: () => made.at(-1)! };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('reportError', () => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('MapKeeper', () => {
  it('creates a map again after a lost context, with the same camera', async () => {
    const { made, states, last } = setUp();
    last().events.onDrawn();
    last().events.onLost();
    expect(states).toEqual(['drawn', 'interrupted']);
    expect(made[0]?.removed).toBe(true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(made.map(({ camera }) => camera)).toEqual([null, here]);
    last().events.onDrawn();
    expect(states.at(-1)).toBe('drawn');
  });

  it('does so any number of times if the map works in between', async () => {
    const { made, states, last } = setUp();
    for (let loss = 1; loss <= 3 * MAX_ATTEMPTS; loss += 1) {
      last().events.onDrawn();
      await vi.advanceTimersByTimeAsync(WORKS_AFTER_MS);
      last().events.onLost();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(made.length).toBe(loss + 1);
    }
    expect(states).not.toContain('unavailable');
  });

  it('gives up after repeated losses', async () => {
    const { made, states, last } = setUp();
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      last().events.onDrawn();
      last().events.onLost();
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(made.length).toBe(MAX_ATTEMPTS);
    expect(states.at(-1)).toBe('unavailable');
  });

  it('retries while the browser does not provide WebGL, and finally gives up', async () => {
    const { made, states, browser, last } = setUp();
    last().events.onDrawn();
    browser.hasWebGl = false;
    last().events.onLost();
    await vi.advanceTimersByTimeAsync(1_000);
    browser.hasWebGl = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(made.length).toBe(2);
    browser.hasWebGl = false;
    last().events.onLost();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(states.at(-1)).toBe('unavailable');
  });

  it('creates a map again if it never draws', async () => {
    const { made } = setUp();
    await vi.advanceTimersByTimeAsync(DRAWN_WITHIN_MS + 5_000);
    expect(made.length).toBe(2);
    expect(made[0]?.removed).toBe(true);
  });

  it('ignores events of a discarded map', async () => {
    const { keeper, made, states } = setUp();
    made[0]?.events.onLost();
    await vi.advanceTimersByTimeAsync(1_000);
    made[0]?.events.onLost();
    made[0]?.events.onDrawn();
    expect([made.length, states]).toEqual([2, ['interrupted']]);
    keeper.stop();
    made[1]?.events.onLost();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([made.length, made[1]?.removed]).toEqual([2, true]);
  });
});
