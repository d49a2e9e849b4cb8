import { describe, expect, it } from 'vitest';
import { activityPath, momentOfKey, secondAt, shareOf, ticksOf, windowOf } from './time-window.js';

const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 10, 29, 12);
const available = { from: NOON - 10 * HOUR_MS, to: NOON };
const hourUntil = (to: number) => ({ from: to - HOUR_MS, to });

describe('windowOf', () => {
  const inHour = { available, lengthMs: HOUR_MS, at: null, previous: null };

  it('ends with the latest moment while the present is shown', () => {
    expect(windowOf(inHour)).toEqual(hourUntil(NOON));
  });

  it('stays as it is while it contains the moment, and is centred on another one', () => {
    const previous = hourUntil(NOON - HOUR_MS);
    expect(windowOf({ ...inHour, at: previous.from, previous })).toBe(previous);
    expect(windowOf({ ...inHour, at: NOON - 4 * HOUR_MS, previous })).toEqual(
      hourUntil(NOON - 3.5 * HOUR_MS),
    );
  });

  it('does not extend beyond the moments that can be shown', () => {
    expect(windowOf({ ...inHour, at: available.from })).toEqual(hourUntil(available.from + HOUR_MS));
    expect(windowOf({ ...inHour, at: NOON })).toEqual(hourUntil(NOON));
  });

  it('shows everything if there is less than its length, or if that is chosen', () => {
    expect(windowOf({ ...inHour, lengthMs: null, at: NOON - 1 })).toEqual(available);
    const short = { from: NOON - 5 * 60_000, to: NOON };
    expect(windowOf({ ...inHour, available: short })).toEqual(short);
  });

  it('is at least a minute long', () => {
    expect(windowOf({ ...inHour, available: { from: NOON, to: NOON } })).toEqual({
      from: NOON - 60_000,
      to: NOON,
    });
  });
});

describe('secondAt and shareOf', () => {
  it('convert a share of the window to a whole second and back', () => {
    expect(secondAt(available, 0.25)).toBe(NOON - 7.5 * HOUR_MS);
    expect(secondAt(available, 0.123456) % 1000).toBe(0);
    expect(shareOf(available, NOON - 7.5 * HOUR_MS)).toBe(0.25);
    expect(secondAt(available, 2)).toBe(NOON);
    expect(shareOf(available, 0)).toBe(0);
  });
});

describe('momentOfKey', () => {
  const from = (at: number | null) => (key: string) => momentOfKey(key, { at, available }) ?? undefined;

  it('moves by seconds, by minutes, and to both ends', () => {
    const at = NOON - HOUR_MS;
    const press = from(at);
    expect([press('ArrowLeft'), press('ArrowRight')]).toEqual([at - 1_000, at + 1_000]);
    expect([press('PageDown'), press('PageUp')]).toEqual([at - 60_000, at + 60_000]);
    expect(press('Home')).toBe(available.from);
    expect(momentOfKey('End', { at, available })).toBeNull();
    expect(press('a')).toBeUndefined();
  });

  it('enters the past from the present, and leaves it at the end', () => {
    expect(from(null)('ArrowLeft')).toBe(NOON - 1_000);
    expect(momentOfKey('ArrowRight', { at: NOON - 1_000, available })).toBeNull();
    expect(from(available.from)('PageDown')).toBe(available.from);
  });
});

describe('ticksOf', () => {
  it('has round times of the time zone, and no more than fit', () => {
    expect(ticksOf(hourUntil(NOON), { max: 4, offsetMs: 0 })).toEqual(
      [60, 45, 30, 15, 0].map((minutes) => NOON - minutes * 60_000),
    );
    const half = HOUR_MS / 2;
    expect(ticksOf(available, { max: 4, offsetMs: half })).toEqual(
      [9.5, 6.5, 3.5, 0.5].map((hours) => NOON - hours * HOUR_MS),
    );
  });
});

describe('activityPath', () => {
  it('draws the events of each interval in proportion to the highest', () => {
    const activity = { from: 0, stepMs: 10, counts: [4, 0, 8] };
    expect(activityPath(activity, { from: 0, to: 30 }, 3)).toBe(
      'M0 1v-0.5h0.2667v0.5zM0.6667 1v-1h0.2667v1z',
    );
  });

  it('spreads an interval over the bars that it overlaps', () => {
    const activity = { from: 0, stepMs: 10, counts: [4] };
    expect(activityPath(activity, { from: 5, to: 15 }, 2)).toBe('M0 1v-1h0.4v1z');
  });

  it('is empty without events', () => {
    expect(activityPath({ from: 0, stepMs: 10, counts: [] }, { from: 0, to: 30 }, 3)).toBe('');
  });
});
