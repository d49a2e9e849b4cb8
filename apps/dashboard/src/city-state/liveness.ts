import type { ServiceStatus } from '@hailstream/events/live';
import type { ConnectionState } from '../connection/connection-state.js';
import { formatAge, formatClock } from '../format.js';
import type { MapState, Tick } from './city-state.js';
import { ageOfNewestEvent, freshnessOf, LATE_AFTER_MS, OLD_AFTER_MS, type Freshness } from './freshness.js';

/** Everything that decides whether the page may say LIVE. */
export interface LivenessFacts {
  readonly connection: ConnectionState['kind'];
  /** `null` until the service has told. */
  readonly status: ServiceStatus | null;
  readonly tick: Tick | null;
  /** Whether the newest frame came over the connection there is now. */
  readonly isCurrent: boolean;
  /** `null` if the table is shown. */
  readonly map: MapState | null;
  /** This browser's clocks: the monotonic one, and the time of day. */
  readonly now: { readonly monotonic: number; readonly date: number };
}

export type Liveness = {
  /** What is shown is of now. */
  readonly isLive: boolean;
  /** What is shown is of the past: the map is greyed. */
  readonly isPast: boolean;
  /** Why it is not live, or that it is; in a few words. */
  readonly words: string;
  /** The same for a screen reader, without what changes all the time. */
  readonly announcement: string;
  readonly tone: 'good' | 'quiet' | 'warn' | 'bad';
};

/** Whether what the page shows is of now, and if not, why: the first reason that applies. */
export function livenessOf(facts: LivenessFacts): Liveness {
  return (
    fromConnection(facts) ??
    fromStatus(facts) ??
    fromFrames(facts) ??
    fromEvents(facts) ??
    fromMap(facts) ??
    live(facts)
  );
}

/** Milliseconds since the newest event; `null` if there is none. */
export function newestEventAge({ tick, now }: Pick<LivenessFacts, 'tick' | 'now'>): number | null {
  const newestEventAt = tick?.figures.newestEventAt ?? null;
  if (tick === null || newestEventAt === null) return null;
  return ageOfNewestEvent({ ...tick, newestEventAt }, now);
}

function fromConnection({ connection, tick }: LivenessFacts): Liveness | null {
  const shown = tick === null ? '' : `, showing ${formatClock(tick.asOf)}`;
  switch (connection) {
    case 'connected':
      return null;
    case 'connecting':
      return notLive('connecting', { tone: 'quiet' });
    case 'reconnecting':
      return notLive(`reconnecting${shown}`, { announcement: 'reconnecting' });
    case 'signed-out':
      return notLive('signed out', { tone: 'bad' });
  }
}

function fromStatus({ status }: LivenessFacts): Liveness | null {
  switch (status?.kind) {
    case undefined:
    case 'following':
      return null;
    case 'waiting':
      return notLive('waiting for the log', { title: status.reason });
    case 'rebuilding':
      return notLive(`rebuilding ${status.percent} %`, { announcement: 'rebuilding' });
    case 'stalled':
      return notLive('no connection to the log', { tone: 'bad' });
  }
}

/** The service sends a frame every tick, whether anything moves or not. */
function fromFrames({ tick, isCurrent, now }: LivenessFacts): Liveness | null {
  if (tick === null || !isCurrent) return notLive('loading', { tone: 'quiet' });
  const silentMs = elapsedSince(tick, now);
  if (silentMs <= Math.max(LATE_AFTER_MS, 5 * tick.tickMs)) return null;
  return notLive(`no update for ${formatAge(silentMs)}`, { announcement: 'no updates' });
}

function fromEvents(facts: LivenessFacts): Liveness | null {
  const ageMs = newestEventAge(facts);
  if (ageMs === null) return notLive('no events yet', { tone: 'quiet', isPast: false });
  if (ageMs <= OLD_AFTER_MS) return null;
  const { tick, now } = facts;
  const receivedAt = tick?.figures.newestReceivedAt ?? null;
  const receiptAgeMs =
    tick === null || receivedAt === null
      ? ageMs
      : ageOfNewestEvent({ ...tick, newestEventAt: receivedAt }, now);
  if (receiptAgeMs <= OLD_AFTER_MS) {
    return notLive(`events are ${formatAge(ageMs)} late`, {
      announcement: 'events come late',
      isPast: false,
    });
  }
  return notLive(`no new events for ${formatAge(receiptAgeMs)}`, {
    announcement: 'no new events',
    tone: 'bad',
    isPast: false,
  });
}

function fromMap({ map }: LivenessFacts): Liveness | null {
  if (map === 'interrupted') return notLive('the map is not drawn', { isPast: false });
  return map === 'loading' ? notLive('loading the map', { tone: 'quiet', isPast: false }) : null;
}

function live(facts: LivenessFacts): Liveness {
  const freshness: Freshness = freshnessOf(newestEventAge(facts) ?? 0);
  const tone = freshness === 'fresh' ? 'good' : 'warn';
  return { isLive: true, isPast: false, words: 'connected', announcement: 'live', tone };
}

function elapsedSince(tick: Tick, now: LivenessFacts['now']): number {
  return Math.max(0, now.monotonic - tick.receivedAt, now.date - tick.receivedOn);
}

function notLive(
  words: string,
  rest: {
    announcement?: string;
    title?: string;
    tone?: Liveness['tone'];
    isPast?: boolean;
  } = {},
): Liveness {
  const { announcement = words, tone = 'warn', isPast = true } = rest;
  return { isLive: false, isPast, words, announcement: `not live: ${announcement}`, tone };
}
