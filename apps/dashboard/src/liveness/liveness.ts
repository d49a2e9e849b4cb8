import type { HistoryOrder, ServiceStatus } from '@hailstream/events/live';
import type { ConnectionState } from '../connection/connection-state.js';
import { formatAge, formatClock, formatMoment } from '../format.js';
import type { Tick } from '../city-state/city-contents.js';
import type { MapState } from '../city-state/city-state.js';
import { t } from '../locale/text.js';

/** Data is `late` if the newest event is older than the first limit, and `old` beyond the second. */
const LATE_AFTER_MS = 5_000;
const OLD_AFTER_MS = 30_000;

type Freshness = 'fresh' | 'late' | 'old';

/** What decides whether the page shows LIVE. */
export interface LivenessFacts {
  readonly connection: ConnectionState['kind'];
  /** `null` until the service has sent it. */
  readonly status: ServiceStatus | null;
  readonly tick: Tick | null;
  /** Whether the newest frame was received over the current connection. */
  readonly isCurrent: boolean;
  /** `null` if the table is shown. */
  readonly map: MapState | null;
  /** If the page shows a moment of the past: `shown` is what it shows, `null` until it is received. */
  readonly past: {
    readonly requestedAt: number | null;
    readonly shown: { readonly at: number; readonly by: HistoryOrder } | null;
  } | null;
  /** This browser's clocks: the monotonic one, and the time of day. */
  readonly now: { readonly monotonic: number; readonly date: number };
}

export type Liveness = {
  /** Whether the data is current. */
  readonly isLive: boolean;
  readonly label: 'LIVE' | 'NOT LIVE' | 'PAST';
  /** Whether the data is outdated: the map is greyed out. */
  readonly isOutdated: boolean;
  /** The reason why it is not live, or that it is, in a few words. */
  readonly words: string;
  /** The same without values, for a window that is too narrow for the words. */
  readonly brief: string;
  /** The same for a screen reader, without values that change constantly. */
  readonly announcement: string;
  readonly tone: 'good' | 'quiet' | 'warn' | 'bad' | 'past';
};

/** Whether the data on the page is live, and if not, the first reason that applies. */
export function livenessOf(facts: LivenessFacts): Liveness {
  return (
    fromPast(facts) ??
    fromConnection(facts) ??
    fromStatus(facts) ??
    fromFrames(facts) ??
    fromEvents(facts) ??
    fromMap(facts) ??
    live(facts)
  );
}

export function isSameLiveness(one: Liveness, other: Liveness): boolean {
  return (Object.keys(one) as (keyof Liveness)[]).every((key) => one[key] === other[key]);
}

/** Milliseconds since the newest event; `null` if there is none. */
export function newestEventAge({ tick, now }: Pick<LivenessFacts, 'tick' | 'now'>): number | null {
  const newestEventAt = tick?.figures.newestEventAt ?? null;
  if (tick === null || newestEventAt === null) return null;
  return ageOfNewestEvent({ ...tick, newestEventAt }, now);
}

/**
 * Milliseconds since the newest event. Each clock is compared only with itself: the time that passed at the service until it
 * created the frame, plus the time that passed in the browser since. The browser's monotonic clock may stop while the
 * computer sleeps, and its time of day may be set: the larger of the two elapsed times counts.
 */
export function ageOfNewestEvent(
  frame: { newestEventAt: number; asOf: number; receivedAt: number; receivedOn: number },
  now: { readonly monotonic: number; readonly date: number },
): number {
  return Math.max(0, frame.asOf - frame.newestEventAt) + elapsedSince(frame, now);
}

export function freshnessOf(ageMs: number): Freshness {
  if (ageMs > OLD_AFTER_MS) return 'old';
  return ageMs > LATE_AFTER_MS ? 'late' : 'fresh';
}

function fromPast({ past, connection, now }: LivenessFacts): Liveness | null {
  if (past === null || connection === 'signed-out') return null;
  const { shown, requestedAt } = past;
  const time = (at: number | null) => (at === null ? '' : formatMoment(at, now.date));
  const isConnected = connection === 'connected';
  const shownTime = shown === null ? t('live.loadingTime', { time: time(requestedAt) }) : time(shown.at);
  const state = t(isConnected ? `order.${shown?.by ?? 'event'}` : `live.${connection}`);
  return {
    isLive: false,
    label: 'PAST',
    isOutdated: !isConnected,
    words: shown === null ? shownTime : `${shownTime} · ${state}`,
    brief: isConnected ? shownTime : state,
    announcement: t('live.past', { state: shown === null ? t('live.loading') : state }),
    tone: 'past',
  };
}

function fromConnection({ connection, tick }: LivenessFacts): Liveness | null {
  switch (connection) {
    case 'connected':
      return null;
    case 'connecting':
      return notLive(t('live.connecting'), { tone: 'quiet' });
    case 'reconnecting':
      return notLive(
        tick === null ? t('live.reconnecting') : t('live.reconnectingAsOf', { time: formatClock(tick.asOf) }),
        { brief: t('live.reconnecting') },
      );
    case 'signed-out':
      return notLive(t('live.signedOut'), { tone: 'bad' });
  }
}

function fromStatus({ status, now }: LivenessFacts): Liveness | null {
  switch (status?.kind) {
    case undefined:
    case 'following':
      return null;
    case 'waiting':
      return notLive(t('live.waiting'));
    case 'rebuilding':
      if (status.reason === null || status.since === null) {
        return notLive(t('live.catchingUpPercent', { percent: status.percent }), {
          brief: t('live.catchingUp'),
        });
      }
      return standingStill(
        t('live.standingAt', { percent: status.percent, time: formatMoment(status.since, now.date) }),
      );
    case 'stalled':
      return standingStill(t('live.standingSince', { time: formatMoment(status.since, now.date) }));
  }
}

function standingStill(words: string): Liveness {
  return notLive(words, { brief: t('live.standing'), tone: 'bad' });
}

/** The service sends a frame every tick, even if nothing changed. */
function fromFrames({ tick, isCurrent, now }: LivenessFacts): Liveness | null {
  if (tick === null || !isCurrent) return notLive(t('live.loadingData'), { tone: 'quiet' });
  const silentMs = elapsedSince(tick, now);
  if (silentMs <= Math.max(LATE_AFTER_MS, 5 * tick.tickMs)) return null;
  return notLive(t('live.noUpdateFor', { age: formatAge(silentMs) }), { brief: t('live.noUpdates') });
}

function fromEvents(facts: LivenessFacts): Liveness | null {
  const ageMs = newestEventAge(facts);
  if (ageMs === null) return notLive(t('live.noEventsYet'), { tone: 'quiet', isOutdated: false });
  if (ageMs <= OLD_AFTER_MS) return null;
  const { tick, now } = facts;
  const receivedAt = tick?.figures.newestReceivedAt ?? null;
  const receiptAgeMs =
    tick === null || receivedAt === null
      ? ageMs
      : ageOfNewestEvent({ ...tick, newestEventAt: receivedAt }, now);
  if (receiptAgeMs <= OLD_AFTER_MS) {
    return notLive(t('live.delayedBy', { age: formatAge(ageMs) }), {
      brief: t('live.delayed'),
      isOutdated: false,
    });
  }
  return notLive(t('live.noNewFor', { age: formatAge(receiptAgeMs) }), {
    brief: t('live.noNew'),
    tone: 'bad',
    isOutdated: false,
  });
}

function fromMap({ map }: LivenessFacts): Liveness | null {
  if (map === 'interrupted') return notLive(t('live.mapNotDrawn'), { isOutdated: false });
  return map === 'loading' ? notLive(t('live.loadingMap'), { tone: 'quiet', isOutdated: false }) : null;
}

function live(facts: LivenessFacts): Liveness {
  const freshness: Freshness = freshnessOf(newestEventAge(facts) ?? 0);
  const tone = freshness === 'fresh' ? 'good' : 'warn';
  return {
    isLive: true,
    label: 'LIVE',
    isOutdated: false,
    words: t('live.connected'),
    brief: t('live.connected'),
    announcement: t('live.live'),
    tone,
  };
}

function elapsedSince(
  { receivedAt, receivedOn }: Pick<Tick, 'receivedAt' | 'receivedOn'>,
  now: LivenessFacts['now'],
): number {
  return Math.max(0, now.monotonic - receivedAt, now.date - receivedOn);
}

function notLive(
  words: string,
  rest: {
    brief?: string;
    tone?: Liveness['tone'];
    isOutdated?: boolean;
  } = {},
): Liveness {
  const { brief = words, tone = 'warn', isOutdated = true } = rest;
  return {
    isLive: false,
    label: 'NOT LIVE',
    isOutdated,
    words,
    brief,
    announcement: t('live.notLive', { reason: brief }),
    tone,
  };
}
