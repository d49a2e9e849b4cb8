import { metersBetween } from '@hailstream/events';
import type { Period, StillSpan, TrailPoint } from '@hailstream/events/live';
import { inOrder, type OccurrenceOf } from './occurrence.js';

/** A vehicle without an event for longer than this was out of contact. Devices that report once a minute are not. */
export const GAP_AFTER_MS = 120_000;

/** A vehicle that stays within {@link STILL_WITHIN_METERS} for this long did not move: positions vary by some metres. */
export const STILL_AFTER_MS = 300_000;
export const STILL_WITHIN_METERS = 30;

/** A position of a vehicle. */
export interface TrackPoint {
  readonly at: number;
  readonly lat: number;
  readonly lng: number;
  /** In metres per second; `null` if it was not sent. */
  readonly speed: number | null;
}

/** The positions of a vehicle by event time, each once. */
export function trackOf(telemetry: Iterable<OccurrenceOf<'telemetry'>>): TrackPoint[] {
  return inOrder(telemetry).map(({ input: { event }, at }) => {
    const { lat, lng, speed } = event.location;
    return { at, lat, lng, speed: speed ?? null };
  });
}

/** The length of the lines between the points, in metres. */
export function lengthMeters(track: readonly TrackPoint[]): number {
  let sum = 0;
  for (let index = 1; index < track.length; index += 1) {
    sum += metersBetween(track[index - 1]!, track[index]!);
  }
  return sum;
}

/** The part of a track from one time to another, both included. */
export function within(track: readonly TrackPoint[], { from, to }: Period): TrackPoint[] {
  return track.filter(({ at }) => at >= from && at <= to);
}

/** Times of a period in which nothing is heard for longer than {@link GAP_AFTER_MS}; `times` are in order. */
export function gapsBetween(times: readonly number[], { from, to }: Period): Period[] {
  const gaps: Period[] = [];
  let last = from;
  for (const at of [...times, to]) {
    if (at - last > GAP_AFTER_MS) gaps.push({ from: last, to: at });
    last = Math.max(last, at);
  }
  return gaps;
}

/** Where the vehicle did not move. A gap in contact ends it: what happened in the gap is not known. */
export function stillnessOf(track: readonly TrackPoint[]): StillSpan[] {
  const spans: StillSpan[] = [];
  for (let start = 0; start < track.length;) {
    const anchor = track[start]!;
    let end = start;
    for (let next = start + 1; next < track.length; next += 1) {
      const point = track[next]!;
      if (point.at - track[end]!.at > GAP_AFTER_MS) break;
      if (metersBetween(anchor, point) > STILL_WITHIN_METERS) break;
      end = next;
    }
    const { lat, lng, at: from } = anchor;
    const to = track[end]!.at;
    if (to - from < STILL_AFTER_MS) {
      start += 1;
    } else {
      spans.push({ from, to, lat, lng });
      start = end + 1;
    }
  }
  return spans;
}

/** The track for a map, with at most `maxPoints` points; a speed that was not sent is that of the line to the point. */
export function toTrail(track: readonly TrackPoint[], maxPoints: number): TrailPoint[] {
  const every = Math.max(1, Math.ceil(track.length / maxPoints));
  return track.flatMap(({ at, lat, lng, speed }, index): TrailPoint[] => {
    const isKept = index % every === 0 || index === track.length - 1;
    return isKept ? [[lat, lng, speed ?? speedAlong(track[index - 1], track[index]!), at]] : [];
  });
}

/** `null` without a point before, or with one of the same time or before a gap. */
function speedAlong(from: TrackPoint | undefined, to: TrackPoint): number | null {
  const ms = from === undefined ? 0 : to.at - from.at;
  if (from === undefined || ms <= 0 || ms > GAP_AFTER_MS) return null;
  return (metersBetween(from, to) / ms) * 1_000;
}
