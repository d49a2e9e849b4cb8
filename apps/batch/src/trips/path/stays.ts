import { metersBetween } from '@hailstream/events';
import { accuracyOf, type Fix } from './fix.js';

/** A speed below this is that of a vehicle that stands, in metres per second. */
const STANDING_BELOW = 0.5;
/** Positions of a vehicle that stands are within this many times their accuracy of their mean. */
const STAY_ACCURACIES = 3.5;
/** Without speeds, a vehicle that stays in this radius for less time may be slow instead. */
const STAY_WITHOUT_SPEED_MS = 15_000;

/** A fix of which it is known whether the vehicle stood. */
export interface StayFix extends Fix {
  /** Whether it is the start or the end of a stay. */
  readonly stay: 'start' | 'end' | null;
}

/** Fixes of a vehicle, and the time for which it stood. */
interface Stays {
  /** In order of time. Those of a stay are replaced by its first and its last one, both at the mean of their places. */
  readonly fixes: readonly StayFix[];
  readonly dwellMs: number;
}

/**
 * Finds where a vehicle stood: fixes that report no speed above {@link STANDING_BELOW} and scatter around one place. The way
 * between them is noise of the receiver. A silence longer than `gapMs` ends a stay.
 */
export function collapseStays(fixes: readonly Fix[], gapMs: number): Stays {
  const result: StayFix[] = [];
  let dwellMs = 0;
  for (let start = 0; start < fixes.length;) {
    const stay = new Stay(fixes[start]!);
    let end = start + 1;
    while (end < fixes.length && fixes[end]!.at - fixes[end - 1]!.at <= gapMs && stay.add(fixes[end]!))
      end += 1;
    if (!stay.isOne) {
      result.push({ ...fixes[start]!, stay: null });
      start += 1;
      continue;
    }
    result.push(...stay.ends);
    dwellMs += stay.durationMs;
    start = end;
  }
  return { fixes: result, dwellMs };
}

class Stay {
  private last: Fix;
  private count = 1;
  private meanLat: number;
  private meanLng: number;
  private knowsSpeeds: boolean;

  constructor(private readonly first: Fix) {
    this.last = first;
    this.meanLat = first.lat;
    this.meanLng = first.lng;
    this.knowsSpeeds = first.speed !== null;
  }

  /** Returns `false` if the vehicle has moved on. */
  add(fix: Fix): boolean {
    if (!mayStand(this.first) || !mayStand(fix)) return false;
    const radius = STAY_ACCURACIES * Math.max(accuracyOf(this.last), accuracyOf(fix));
    if (metersBetween({ lat: this.meanLat, lng: this.meanLng }, fix) > radius) return false;
    this.count += 1;
    this.meanLat += (fix.lat - this.meanLat) / this.count;
    this.meanLng += (fix.lng - this.meanLng) / this.count;
    this.knowsSpeeds &&= fix.speed !== null;
    this.last = fix;
    return true;
  }

  get isOne(): boolean {
    return this.count > 1 && (this.knowsSpeeds || this.durationMs >= STAY_WITHOUT_SPEED_MS);
  }

  get durationMs(): number {
    return this.last.at - this.first.at;
  }

  get ends(): readonly [StayFix, StayFix] {
    const place = { lat: this.meanLat, lng: this.meanLng, speed: 0 };
    return [
      { ...this.first, ...place, stay: 'start' },
      { ...this.last, ...place, stay: 'end' },
    ];
  }
}

/** Whether a fix may be that of a vehicle that stands: without a speed, any. */
export function mayStand({ speed }: Pick<Fix, 'speed'>): boolean {
  return speed === null || speed < STANDING_BELOW;
}
