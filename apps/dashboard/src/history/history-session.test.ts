import type { Figures, HistoryFrame, HistoryStatus, VehicleRow } from '@hailstream/events/live';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { CityState } from '../city-state/city-state.js';
import { HistorySession, SUPERSEDED_AFTER_MS, UNANSWERED_AFTER_MS } from './history-session.js';

const AT = Date.UTC(2026, 10, 29, 8, 42);
const viewport = { west: 7, south: 43, east: 8, north: 44 };
const device = '0195a0c4-7a10-7000-8000-000000000001';
const provider = '2411d395-04f2-47c9-ab66-d09e9e3c3251';

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
});

function frameOf(given: {
  seek: number;
  asOf: number;
  lat?: number;
  by?: 'event' | 'received';
}): HistoryFrame {
  const { seek, asOf, lat = 43.7, by = 'event' } = given;
  const row: VehicleRow = [device, lat, 7.4, null, null, null, 'live', 0];
  const figures = { eventsPerSecond: 1 } as Figures;
  return {
    seek,
    by,
    unreadableRecords: 0,
    asOf,
    tickMs: 500,
    providers: { 0: provider },
    vehicles: [row],
    gone: [],
    requests: [],
    requestsGone: [],
    figures,
  };
}

/** A page with its session, and the service at the other end of the socket. */
function open(given: { at?: number; isOffered?: boolean | null; connected?: boolean } = {}) {
  const { at, isOffered = true, connected = true } = given;
  const city = new CityState();
  city.viewport.set(viewport);
  city.receive({ ...frameOf({ seek: 0, asOf: AT + 60_000, lat: 1 }) }, true);
  const session = new HistorySession(city);
  if (at !== undefined) session.at.set(at);
  const handlers = new Map<string, (message?: unknown) => void>();
  const sent: [name: string, message?: unknown][] = [];
  const socket = {
    connected,
    on: (name: string, handler: (message?: unknown) => void) => handlers.set(name, handler),
    emit: (...message: [string, unknown?]) => sent.push(message),
  };
  session.start(socket as unknown as Parameters<HistorySession['start']>[0]);
  if (isOffered !== null) session.offer(isOffered);
  const receive = (name: string, message?: unknown) => handlers.get(name)?.(message);
  return {
    city,
    session,
    socket,
    sent,
    receive,
    snapshot: (frame: Parameters<typeof frameOf>[0]) => receive('historySnapshot', frameOf(frame)),
    frame: (frame: Parameters<typeof frameOf>[0]) => receive('historyFrame', frameOf(frame)),
    status: (status: HistoryStatus) => receive('historyStatus', status),
    /** What was sent since the last call. */
    requests: () => sent.splice(0),
    shownLat: () => city.shown.get().fleet.vehicle({ deviceId: device, providerId: provider })?.lat,
  };
}

const openRequest = (seek: number, at: number, by = 'event') => ['openHistory', { seek, at, by, viewport }];
const seekRequest = (seek: number, at: number) => ['seekHistory', { seek, at }];

describe('HistorySession', () => {
  it('shows the present until the moment is received, and nothing of the present after it', () => {
    const page = open();
    page.session.at.set(AT);
    expect(page.requests()).toEqual([openRequest(1, AT)]);
    expect(page.city.shown.get()).toBe(page.city.live);
    expect(page.session.state.get()).toEqual({ kind: 'seeking', percent: 0 });
    page.status({ kind: 'seeking', at: AT, percent: 40 });
    expect(page.session.state.get()).toEqual({ kind: 'seeking', percent: 40 });

    page.snapshot({ seek: 1, asOf: AT, lat: 43.7 });
    page.status({ kind: 'paused', at: AT });
    expect(page.shownLat()).toBe(43.7);
    expect(page.session.shownBy.get()).toBe('event');
    expect(page.session.state.get()).toEqual({ kind: 'paused', isMoved: false });
    page.city.receive(frameOf({ seek: 0, asOf: AT + 61_000, lat: 2 }), false);
    expect(page.shownLat()).toBe(43.7);

    page.session.at.set(null);
    expect(page.requests()).toEqual([['closeHistory']]);
    expect(page.shownLat()).toBe(2);
    page.snapshot({ seek: 1, asOf: AT, lat: 43.7 });
    expect(page.shownLat()).toBe(2);
  });

  it('shows nothing of the present to a page that is opened at a moment', () => {
    const page = open({ at: AT, isOffered: null });
    expect(page.shownLat()).toBeUndefined();
    expect(page.requests()).toEqual([]);
    page.session.offer(true);
    expect(page.requests()).toEqual([openRequest(1, AT)]);
  });

  it('requests the latest of the moments chosen while a seek is in flight', () => {
    const page = open();
    for (const second of [0, 1, 2, 3]) page.session.at.set(AT + second * 1_000);
    expect(page.requests()).toEqual([openRequest(1, AT)]);
    page.snapshot({ seek: 1, asOf: AT, lat: 43.1 });
    expect(page.shownLat()).toBe(43.1);
    expect(page.session.at.get()).toBe(AT + 3_000);
    expect(page.requests()).toEqual([seekRequest(2, AT + 3_000)]);
  });

  it('replaces a seek that is not answered, and discards its answer', () => {
    const page = open();
    page.session.at.set(AT);
    page.session.at.set(AT + 5_000);
    vi.advanceTimersByTime(SUPERSEDED_AFTER_MS);
    expect(page.requests()).toEqual([openRequest(1, AT), seekRequest(2, AT + 5_000)]);
    page.snapshot({ seek: 1, asOf: AT, lat: 43.1 });
    expect(page.city.shown.get()).toBe(page.city.live);
    page.snapshot({ seek: 2, asOf: AT + 5_000, lat: 43.2 });
    expect(page.shownLat()).toBe(43.2);
  });

  it('shows the chosen provider only, from the first request on', () => {
    const page = open();
    page.city.provider.set(provider);
    page.session.at.set(AT);
    const only = { ...viewport, providerId: provider };
    expect(page.requests()).toEqual([['openHistory', { seek: 1, at: AT, by: 'event', viewport: only }]]);
    page.snapshot({ seek: 1, asOf: AT });
    page.city.provider.set(null);
    expect(page.requests()).toEqual([['historyViewport', viewport]]);
  });

  it('applies frames and viewports of the last seek to what is shown', () => {
    const page = open();
    page.session.at.set(AT);
    page.snapshot({ seek: 1, asOf: AT });
    page.requests();
    page.city.viewport.set({ ...viewport, west: 6 });
    expect(page.requests()).toEqual([['historyViewport', { ...viewport, west: 6 }]]);
    const shown = page.city.shown.get();
    page.snapshot({ seek: 1, asOf: AT, lat: 43.5 });
    page.frame({ seek: 1, asOf: AT + 500, lat: 43.6 });
    expect(page.city.shown.get()).toBe(shown);
    expect(page.shownLat()).toBe(43.6);
  });

  it('plays, also after another seek, until it is paused or reaches the end', () => {
    const page = open();
    page.session.at.set(AT);
    page.snapshot({ seek: 1, asOf: AT });
    page.status({ kind: 'paused', at: AT });
    page.session.setSpeed(30);
    page.requests();
    page.session.play();
    page.status({ kind: 'playing', at: AT, speed: 30 });
    expect(page.session.state.get()).toEqual({ kind: 'playing', speed: 30 });
    page.session.at.set(AT + 9_000);
    page.snapshot({ seek: 2, asOf: AT + 9_000 });
    // The service answers the seek first.
    page.status({ kind: 'paused', at: AT + 9_000 });
    expect(page.session.isPlaying.get()).toBe(true);
    page.status({ kind: 'playing', at: AT + 9_000, speed: 30 });
    page.session.pause();
    page.status({ kind: 'paused', at: AT + 20_000 });
    expect(page.session.at.get()).toBe(AT + 20_000);
    expect(page.requests()).toEqual([
      ['playHistory', { speed: 30 }],
      seekRequest(2, AT + 9_000),
      ['playHistory', { speed: 30 }],
      ['pauseHistory'],
    ]);
    page.session.play();
    page.status({ kind: 'playing', at: AT + 20_000, speed: 30 });
    page.status({ kind: 'paused', at: AT + 60_000 });
    expect(page.session.isPlaying.get()).toBe(false);
    expect(page.session.at.get()).toBe(AT + 60_000);
  });

  it('opens the session again after a reconnection, at the moment that is shown', () => {
    const page = open();
    page.session.at.set(AT);
    page.snapshot({ seek: 1, asOf: AT });
    page.session.play();
    page.status({ kind: 'playing', at: AT, speed: 10 });
    page.frame({ seek: 1, asOf: AT + 7_000, lat: 43.6 });
    page.socket.connected = false;
    page.receive('disconnect');
    page.requests();
    expect([page.session.at.get(), page.shownLat()]).toEqual([AT + 7_000, 43.6]);
    page.socket.connected = true;
    page.receive('connect');
    page.snapshot({ seek: 2, asOf: AT + 7_000 });
    expect(page.requests()).toEqual([openRequest(2, AT + 7_000), ['playHistory', { speed: 10 }]]);
  });

  it('opens the session again in another order', () => {
    const page = open();
    page.session.at.set(AT);
    page.snapshot({ seek: 1, asOf: AT });
    page.requests();
    page.session.by.set('received');
    expect(page.requests()).toEqual([openRequest(2, AT, 'received')]);
    expect(page.session.shownBy.get()).toBe('event');
    page.snapshot({ seek: 2, asOf: AT, by: 'received' });
    expect(page.session.shownBy.get()).toBe('received');
    page.session.at.set(null);
    expect(page.session.by.get()).toBe('event');
  });

  it('shows and reports the nearest moment if the log does not hold the requested one', () => {
    const page = open();
    page.session.at.set(AT - 3_600_000);
    page.snapshot({ seek: 1, asOf: AT });
    expect(page.session.at.get()).toBe(AT);
    expect(page.session.state.get()).toEqual({ kind: 'paused', isMoved: true });
    expect(page.requests()).toHaveLength(1);
  });

  it('shows the present if no moment was received, and can retry', () => {
    const page = open({ at: AT });
    page.session.by.set('received');
    page.status({ kind: 'closed', code: 'TOO_MANY_SESSIONS', reason: 'at most 8' });
    expect(page.city.shown.get()).toBe(page.city.live);
    expect(page.session.at.get()).toBeNull();
    expect(page.session.state.get()).toMatchObject({
      kind: 'failed',
      failure: { code: 'TOO_MANY_SESSIONS' },
    });
    page.requests();
    page.session.retry();
    expect(page.requests()).toContainEqual(openRequest(3, AT, 'received'));
  });

  it('keeps the moment that is shown if the session ends, and opens another one for the next', () => {
    const page = open();
    page.session.at.set(AT);
    page.snapshot({ seek: 1, asOf: AT });
    page.status({ kind: 'closed', code: 'IDLE', reason: '15 minutes' });
    expect(page.shownLat()).toBe(43.7);
    page.requests();
    page.session.at.set(AT + 1_000);
    expect(page.requests()).toEqual([openRequest(2, AT + 1_000)]);
  });

  it('reports that the service has no history, and that it refused a request', () => {
    const none = open({ at: AT, isOffered: false });
    expect(none.session.state.get()).toMatchObject({ failure: { code: 'HISTORY_DISABLED' } });
    expect(none.requests()).toEqual([]);
    const refused = open({ at: AT });
    refused.receive('refused', { message: 'openHistory', code: 'INVALID', reason: 'at: expected a number' });
    expect(refused.session.state.get()).toMatchObject({
      failure: { code: 'FAILED', reason: 'at: expected a number' },
    });
  });

  it('reports a service that does not answer, and waits for one that reports its progress', () => {
    const page = open();
    page.session.at.set(AT);
    vi.advanceTimersByTime(UNANSWERED_AFTER_MS - 1);
    page.status({ kind: 'seeking', at: AT, percent: 3 });
    vi.advanceTimersByTime(UNANSWERED_AFTER_MS - 1);
    expect(page.session.state.get().kind).toBe('seeking');
    vi.advanceTimersByTime(1);
    expect(page.session.state.get()).toMatchObject({
      kind: 'failed',
      failure: { reason: 'no answer for 15 s' },
    });
    expect(page.session.at.get()).toBeNull();
    page.session.at.set(AT);
    page.snapshot({ seek: 2, asOf: AT });
    vi.advanceTimersByTime(10 * UNANSWERED_AFTER_MS);
    expect(page.session.state.get().kind).toBe('paused');
  });

  it('watches the selected vehicle in the session, and knows if it had sent nothing', () => {
    const page = open();
    page.city.select({ deviceId: device, providerId: provider });
    page.session.at.set(AT);
    expect(page.requests()).toContainEqual(['watchHistory', { deviceId: device, providerId: provider }]);
    page.snapshot({ seek: 1, asOf: AT });
    page.receive('historyVehicle', { device_id: device, provider_id: provider, state_since: AT });
    const { detail, lacksSelected } = page.city.shown.get();
    expect(detail.get()?.state_since).toBe(AT);
    expect(page.city.live.detail.get()).toBeNull();
    page.receive('historyVehicle', null);
    expect([detail.get(), lacksSelected.get()]).toEqual([null, true]);
    page.city.select(null);
    expect(page.sent.at(-1)).toEqual(['watchHistory', null]);
  });
});
