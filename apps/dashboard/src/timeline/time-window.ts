import type { HistoryRange } from '@hailstream/events/live';

/** The moments that the track shows, in milliseconds. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Lengths of the window; `null` shows all moments. */
export const spans = [
  { text: 'span.15m', lengthMs: 15 * MINUTE_MS },
  { text: 'span.1h', lengthMs: HOUR_MS },
  { text: 'span.6h', lengthMs: 6 * HOUR_MS },
  { text: 'span.24h', lengthMs: DAY_MS },
  { text: 'span.all', lengthMs: null },
] as const;

/** A shorter window has no room for labels. */
const SHORTEST_MS = MINUTE_MS;

/**
 * The window that contains the moment: the previous one if it does, otherwise one with the moment in its middle. For the
 * present (`at` is `null`), it ends with the latest moment.
 */
export function windowOf(given: {
  readonly available: TimeWindow;
  readonly lengthMs: number | null;
  readonly at: number | null;
  readonly previous: TimeWindow | null;
}): TimeWindow {
  const { available, at, previous } = given;
  const whole = Math.max(SHORTEST_MS, available.to - available.from);
  const length = Math.min(given.lengthMs ?? whole, whole);
  const endingAt = (to: number) => ({ from: to - length, to });
  if (at === null || length === whole) return endingAt(available.to);
  const isSame = previous !== null && previous.to - previous.from === length;
  if (isSame && at >= previous.from && at <= previous.to) return previous;
  return endingAt(Math.min(available.to, Math.max(available.from + length, at + length / 2)));
}

/** The share of the window before a moment, 0 to 1. */
export function shareOf({ from, to }: TimeWindow, at: number): number {
  return Math.min(1, Math.max(0, (at - from) / (to - from)));
}

/** The whole second at a share of the window. */
export function secondAt({ from, to }: TimeWindow, share: number): number {
  const at = from + (to - from) * Math.min(1, Math.max(0, share));
  return Math.round(at / SECOND_MS) * SECOND_MS;
}

const steps = [1, 5, 15, 30, 60, 180, 360, 720, 1440, 2880, 10_080].map((minutes) => minutes * MINUTE_MS);

/** The moment to which a key moves, from `at`; `null` is the present, `undefined` if the key does not move it. */
export function momentOfKey(
  key: string,
  { at, available }: { at: number | null; available: TimeWindow },
): number | null | undefined {
  const by = (ms: number) => {
    const next = Math.floor((at ?? available.to) / SECOND_MS) * SECOND_MS + ms;
    return next >= available.to ? null : Math.max(available.from, next);
  };
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return by(-SECOND_MS);
    case 'ArrowRight':
    case 'ArrowUp':
      return by(SECOND_MS);
    case 'PageDown':
      return by(-MINUTE_MS);
    case 'PageUp':
      return by(MINUTE_MS);
    case 'Home':
      return available.from;
    case 'End':
      return null;
    default:
      return undefined;
  }
}

/** Round times in the window, at most `max`: whole minutes, hours or days of the time zone with this offset. */
export function ticksOf(
  { from, to }: TimeWindow,
  { max, offsetMs }: { max: number; offsetMs: number },
): number[] {
  const step = steps.find((each) => (to - from) / each <= max) ?? (to - from) / max;
  const first = Math.ceil((from + offsetMs) / step) * step - offsetMs;
  const count = Math.max(0, Math.floor((to - first) / step) + 1);
  return Array.from({ length: count }, (_, index) => first + index * step);
}

/**
 * Bars of the activity as an SVG path, in a box of 1 × 1 with the origin at the top left: `bars` columns, each as high as its
 * events compared with the highest.
 */
export function activityPath(activity: HistoryRange['activity'], window: TimeWindow, bars: number): string {
  const width = (window.to - window.from) / bars;
  const values = Array.from({ length: bars }, (_, index) => {
    const from = window.from + index * width;
    return eventsBetween(activity, from, from + width);
  });
  const highest = Math.max(...values);
  if (highest === 0) return '';
  const round = (value: number) => Number(value.toFixed(4));
  return values
    .map((value, index) => {
      if (value === 0) return '';
      const height = round(value / highest);
      return `M${round(index / bars)} 1v-${height}h${round(0.8 / bars)}v${height}z`;
    })
    .join('');
}

/** Events of a time, if those of each interval are spread evenly over it. */
function eventsBetween(
  { from, stepMs, counts }: HistoryRange['activity'],
  start: number,
  end: number,
): number {
  const first = Math.max(0, Math.floor((start - from) / stepMs));
  const last = Math.min(counts.length - 1, Math.floor((end - from) / stepMs));
  let events = 0;
  for (let index = first; index <= last; index++) {
    const begins = from + index * stepMs;
    const overlap = Math.min(end, begins + stepMs) - Math.max(start, begins);
    events += (counts[index]! * Math.max(0, overlap)) / stepMs;
  }
  return events;
}
