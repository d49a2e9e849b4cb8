import type { Figures } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import type { Tick } from '../city-state/city-contents.js';
import { ageOfNewestEvent, freshnessOf, isSameLiveness, livenessOf, type LivenessFacts } from './liveness.js';

const SERVICE_NOW = 1_760_000_000_000;
/** This browser's clock is an hour behind the service's. */
const HERE = SERVICE_NOW - 3_600_000;

function tick(figures: Partial<Figures> = {}): Tick {
  return {
    asOf: SERVICE_NOW,
    tickMs: 500,
    receivedAt: 1_000,
    receivedOn: HERE,
    eventsPerSecond: [],
    figures: { newestEventAt: SERVICE_NOW - 400, newestReceivedAt: SERVICE_NOW - 300, ...figures } as Figures,
  };
}

const live: LivenessFacts = {
  connection: 'connected',
  status: { kind: 'following' },
  tick: tick(),
  isCurrent: true,
  map: 'drawn',
  past: null,
  now: { monotonic: 1_100, date: HERE + 100 },
};

const after = (ms: number) => ({ monotonic: 1_000 + ms, date: HERE + ms });

describe('livenessOf', () => {
  it('is live if all conditions hold, independent of the difference between the clocks of browser and service', () => {
    expect(livenessOf(live)).toMatchObject({
      isLive: true,
      isOutdated: false,
      tone: 'good',
      words: 'connected',
    });
  });

  it('is live, and warns, once the newest event is 5 s old, up to 30 s', () => {
    const old = (ms: number) =>
      livenessOf({ ...live, tick: tick({ newestEventAt: SERVICE_NOW - ms }), now: after(0) });
    expect(old(5_000)).toMatchObject({ isLive: true, tone: 'good' });
    expect(old(5_001)).toMatchObject({ isLive: true, tone: 'warn' });
    expect(old(30_000)).toMatchObject({ isLive: true, tone: 'warn' });
    expect(old(30_001)).toMatchObject({ isLive: false });
  });

  it('is never live while a moment of the past is shown, and says which one', () => {
    const shown = { at: SERVICE_NOW, by: 'event' as const };
    const past = (facts: Partial<LivenessFacts>) =>
      livenessOf({
        ...live,
        now: { monotonic: 0, date: SERVICE_NOW },
        past: { requestedAt: 0, shown },
        ...facts,
      });
    expect(past({})).toMatchObject({
      isLive: false,
      label: 'PAST',
      isOutdated: false,
      words: expect.stringMatching(/^\d\d:\d\d:\d\d · what happened$/) as string,
      brief: expect.stringMatching(/^\d\d:\d\d:\d\d$/) as string,
    });
    const received = { requestedAt: 0, shown: { ...shown, by: 'received' as const } };
    expect(past({ past: received }).words).toMatch(/ · what the page showed then$/);
    const loading = past({ past: { requestedAt: SERVICE_NOW, shown: null } });
    expect([loading.isLive, loading.words]).toEqual([
      false,
      expect.stringMatching(/^loading \d\d:\d\d:\d\d$/),
    ]);
    expect(past({ connection: 'reconnecting' })).toMatchObject({
      isOutdated: true,
      words: expect.stringMatching(/ · reconnecting$/) as string,
      brief: 'reconnecting',
    });
    expect(past({ connection: 'signed-out' }).words).toBe('signed out');
  });

  it.each<[string, Partial<LivenessFacts>, RegExp]>([
    ['connecting', { connection: 'connecting', tick: null }, /^connecting$/],
    ['the connection is lost', { connection: 'reconnecting' }, /^reconnecting, data as of \d\d:\d\d:\d\d$/],
    ['it was never connected', { connection: 'reconnecting', tick: null }, /^reconnecting$/],
    ['signed out', { connection: 'signed-out' }, /^signed out$/],
    ['the log does not answer', { status: { kind: 'waiting', reason: 'x' } }, /^waiting for the log$/],
    [
      'it catches up',
      { status: { kind: 'rebuilding', percent: 42, reason: null, since: null } },
      /^catching up 42 %$/,
    ],
    [
      'it does not get on with that',
      { status: { kind: 'rebuilding', percent: 42, reason: 'x', since: HERE } },
      /^standing still at 42 % since \d\d:\d\d:\d\d$/,
    ],
    [
      'the consumer stalls',
      { status: { kind: 'stalled', reason: 'x', since: HERE } },
      /^standing still since \d\d:\d\d:\d\d$/,
    ],
    [
      'the consumer has stalled for days',
      { status: { kind: 'stalled', reason: 'x', since: HERE - 3 * 86_400_000 } },
      /^standing still since .+, \d\d:\d\d:\d\d$/,
    ],
    ['the newest frame is of the previous connection', { isCurrent: false }, /^loading data$/],
    ['no frames come', { now: after(12_000) }, /^no update for 10 s$/],
    ['the computer slept', { now: { monotonic: 1_010, date: HERE + 7_200_000 } }, /^no update for 2 h$/],
    ['there are no vehicles', { tick: tick({ newestEventAt: null }) }, /^no events yet$/],
    [
      'no events are received',
      { tick: tick({ newestEventAt: SERVICE_NOW - 125_000, newestReceivedAt: SERVICE_NOW - 124_000 }) },
      /^no new events for 2 min$/,
    ],
    [
      'received events are old',
      { tick: tick({ newestEventAt: SERVICE_NOW - 7_200_000, newestReceivedAt: SERVICE_NOW - 200 }) },
      /^events delayed by 2 h$/,
    ],
    ['the map is interrupted', { map: 'interrupted' }, /^map not drawn$/],
    ['the map is loading', { map: 'loading' }, /^loading map$/],
  ])('is not live if %s', (_, facts, words) => {
    const liveness = livenessOf({ ...live, ...facts });
    expect(liveness).toMatchObject({ isLive: false, words: expect.stringMatching(words) as string });
    expect(liveness.announcement).toBe(`not live: ${liveness.brief}`);
  });

  it('is live if the table is shown, independent of the map', () => {
    expect(livenessOf({ ...live, map: null }).isLive).toBe(true);
  });

  it('announces no values that change constantly', () => {
    const rebuilding = (percent: number) =>
      livenessOf({ ...live, status: { kind: 'rebuilding', percent, reason: null, since: null } })
        .announcement;
    expect(rebuilding(7)).toBe(rebuilding(8));
    const silent = (ms: number) => livenessOf({ ...live, now: after(ms) }).announcement;
    expect(silent(10_000)).toBe(silent(70_000));
    expect(livenessOf({ ...live, now: after(70_000) }).brief).toBe('no updates');
  });
});

describe('isSameLiveness', () => {
  it('compares what is shown, not the facts', () => {
    const later = { ...live, tick: tick({ newestEventAt: SERVICE_NOW - 100 }), now: after(100) };
    expect(isSameLiveness(livenessOf(live), livenessOf(later))).toBe(true);
    expect(isSameLiveness(livenessOf(live), livenessOf({ ...live, map: 'interrupted' }))).toBe(false);
  });
});

describe('ageOfNewestEvent', () => {
  it('adds the time elapsed at the service and in the browser, independent of their clocks', () => {
    const frame = { newestEventAt: 999_600, asOf: 1_000_000, receivedAt: 50, receivedOn: 7_000 };
    expect(ageOfNewestEvent(frame, { monotonic: 150, date: 7_100 })).toBe(500);
  });

  it('is at least zero for a device whose clock is ahead', () => {
    const frame = { newestEventAt: 2000, asOf: 1000, receivedAt: 0, receivedOn: 0 };
    expect(ageOfNewestEvent(frame, { monotonic: 0, date: 0 })).toBe(0);
  });

  it('counts the time that the computer slept, and ignores a time of day that was set back', () => {
    const frame = { newestEventAt: 1_000, asOf: 1_000, receivedAt: 50, receivedOn: 7_000 };
    expect(ageOfNewestEvent(frame, { monotonic: 60, date: 3_607_000 })).toBe(3_600_000);
    expect(ageOfNewestEvent(frame, { monotonic: 9_050, date: -500_000 })).toBe(9_000);
  });
});

describe('freshnessOf', () => {
  it.each([
    [0, 'fresh'],
    [5_000, 'fresh'],
    [5_001, 'late'],
    [30_000, 'late'],
    [30_001, 'old'],
  ])('calls %d ms %s', (ageMs, freshness) => {
    expect(freshnessOf(ageMs)).toBe(freshness);
  });
});
