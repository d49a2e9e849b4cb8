import type { ByteReader } from '../encoding/byte-reader.js';
import type { ByteWriter } from '../encoding/byte-writer.js';
import { readBits, writeBits } from './bit-runs.js';

/** Length of a step: whether a vehicle was inside is known per step. */
export const STEP_MS = 10_000;

const STEPS_PER_WORD = 32;

/** Words of a day: 24 h of steps. */
const WORDS = 86_400_000 / STEP_MS / STEPS_PER_WORD;

/** A stay of a vehicle in a zone. Times are the starts of steps, in milliseconds. */
export interface Visit {
  /** The first step inside. */
  readonly enteredAt: number;
  /** Whether it was outside before; otherwise it may have entered earlier. */
  readonly isEntry: boolean;
  /** The last step inside. */
  readonly lastAt: number;
  /** The first step outside that follows; `null` if none is known. */
  readonly leftAt: number | null;
}

/**
 * When one vehicle was in which zones during the last 24 hours, up to its newest position.
 *
 * Time is divided into steps of {@link STEP_MS}. A vehicle was inside in a step if any of its positions of that step is in the
 * zone, and outside if it has positions and none is. A visit is a sequence of steps inside without one outside in between; steps
 * without a position change nothing. All of this is a function of the set of positions, so their order of arrival and
 * repetitions do not matter.
 */
export class Presence<Z extends object> {
  /** Number of the newest word. Word n has the steps from 32 n on and is at index n modulo {@link WORDS}. */
  private newestWord = Number.NEGATIVE_INFINITY;
  private readonly observed = new Uint32Array(WORDS);
  private readonly insideOf = new Map<Z, Uint32Array>();

  /** Notes a position in these zones. Returns whether it changed anything: not if it repeats a step, or is too old. */
  observe(time: number, zones: readonly Z[]): boolean {
    const step = Math.floor(time / STEP_MS);
    const word = Math.floor(step / STEPS_PER_WORD);
    if (word > this.newestWord) this.advance(word);
    if (word <= this.newestWord - WORDS) return false;
    const at = indexOf(word);
    const bit = 1 << (step - word * STEPS_PER_WORD);
    let isChanged = (this.observed[at]! & bit) === 0;
    this.observed[at]! |= bit;
    for (const zone of zones) {
      let inside = this.insideOf.get(zone);
      if (inside === undefined) this.insideOf.set(zone, (inside = new Uint32Array(WORDS)));
      isChanged ||= (inside[at]! & bit) === 0;
      inside[at]! |= bit;
    }
    return isChanged;
  }

  /** The zones that it was in. */
  get zones(): Iterable<Z> {
    return this.insideOf.keys();
  }

  get zoneCount(): number {
    return this.insideOf.size;
  }

  /** The visits of a zone, the first one first. Steps that begin before `since` do not count: the zone did not exist. */
  visits(zone: Z, since = Number.NEGATIVE_INFINITY): Visit[] {
    const inside = this.insideOf.get(zone);
    return inside === undefined ? [] : this.readVisits(inside, since);
  }

  /** The last of the {@link visits}, found from the newest position backwards. */
  newestVisit(zone: Z, since = Number.NEGATIVE_INFINITY): Visit | null {
    const inside = this.insideOf.get(zone);
    if (inside === undefined) return null;
    const sinceStep = Math.ceil(since / STEP_MS);
    let entered = 0;
    let last: number | null = null;
    let left: number | null = null;
    let at = indexOf(this.newestWord);
    for (let word = this.newestWord; word > this.newestWord - WORDS; word -= 1) {
      const first = word * STEPS_PER_WORD;
      if (first + STEPS_PER_WORD <= sinceStep) break;
      const mask = sinceStep > first ? -1 << (sinceStep - first) : -1;
      const seen = this.observed[at]! & mask;
      let within = inside[at]! & seen;
      let outside = seen & ~within;
      at = at === 0 ? WORDS - 1 : at - 1;
      if (last === null) {
        const after = within === 0 ? outside : outside & above(highestBit(within));
        if (after !== 0) left = first + lowestBit(after);
        if (within === 0) continue;
        last = first + highestBit(within);
        outside &= ~above(last - first);
      }
      if (outside !== 0) {
        within &= above(highestBit(outside));
        if (within !== 0) entered = first + lowestBit(within);
        return visitOf({ entered, isEntry: true, last, left });
      }
      if (within !== 0) entered = first + lowestBit(within);
    }
    return last === null ? null : visitOf({ entered, isEntry: false, last, left });
  }

  /** Drops a zone that does not exist any more. */
  drop(zone: Z): void {
    this.insideOf.delete(zone);
  }

  /** Drops zones that it was not in during the last 24 hours. */
  forget(): void {
    for (const [zone, inside] of this.insideOf) {
      if (inside.every((word) => word === 0)) this.insideOf.delete(zone);
    }
  }

  /** Writes what was observed, with the zones that have a number. A position must have been observed. */
  write(to: ByteWriter, numbers: ReadonlyMap<Z, number>): void {
    const first = indexOf(this.newestWord + 1);
    to.count(this.newestWord);
    writeBits(to, this.observed, first);
    const zones = [...this.insideOf].filter(([zone]) => numbers.has(zone));
    to.count(zones.length);
    for (const [zone, inside] of zones) {
      to.count(numbers.get(zone)!);
      writeBits(to, inside, first);
    }
  }

  /** Reads what was written. Zones without an entry in `zones` are left out. */
  static read<Z extends object>(from: ByteReader, zones: readonly (Z | null)[]): Presence<Z> {
    const presence = new Presence<Z>();
    presence.newestWord = from.count();
    const first = indexOf(presence.newestWord + 1);
    readBits(from, presence.observed, first);
    for (let count = from.count(); count > 0; count -= 1) {
      const zone = zones[from.count()] ?? null;
      const inside = new Uint32Array(WORDS);
      readBits(from, inside, first);
      if (zone !== null) presence.insideOf.set(zone, inside);
    }
    return presence;
  }

  private advance(word: number): void {
    const first = Math.max(this.newestWord + 1, word - WORDS + 1);
    for (const words of [this.observed, ...this.insideOf.values()]) {
      for (let at = first; at <= word; at += 1) words[indexOf(at)] = 0;
    }
    this.newestWord = word;
  }

  private readVisits(inside: Uint32Array, since: number): Visit[] {
    const visits: Visit[] = [];
    let wasOutside = false;
    let open: { enteredAt: number; isEntry: boolean; lastAt: number } | null = null;
    let next = indexOf(this.newestWord + 1);
    for (let word = this.newestWord - WORDS + 1; word <= this.newestWord; word += 1) {
      const at = next;
      next = at === WORDS - 1 ? 0 : at + 1;
      const seen = this.observed[at]!;
      if (seen === 0) continue;
      const within = inside[at]!;
      if (within === 0 && open === null) {
        wasOutside ||= (word * STEPS_PER_WORD + highestBit(seen)) * STEP_MS >= since;
        continue;
      }
      if (within === seen && open !== null) {
        open.lastAt = (word * STEPS_PER_WORD + highestBit(seen)) * STEP_MS;
        continue;
      }
      for (let bit = 0; bit < STEPS_PER_WORD; bit += 1) {
        if (((seen >>> bit) & 1) === 0) continue;
        const time = (word * STEPS_PER_WORD + bit) * STEP_MS;
        if (time < since) continue;
        if (((within >>> bit) & 1) === 0) {
          if (open !== null) visits.push({ ...open, leftAt: time });
          open = null;
          wasOutside = true;
        } else if (open === null) {
          open = { enteredAt: time, isEntry: wasOutside, lastAt: time };
        } else {
          open.lastAt = time;
        }
      }
    }
    if (open !== null) visits.push({ ...open, leftAt: null });
    return visits;
  }
}

/** The steps of a visit as times. */
function visitOf(steps: {
  readonly entered: number;
  readonly isEntry: boolean;
  readonly last: number;
  readonly left: number | null;
}): Visit {
  const { entered, isEntry, last, left } = steps;
  return {
    enteredAt: entered * STEP_MS,
    isEntry,
    lastAt: last * STEP_MS,
    leftAt: left === null ? null : left * STEP_MS,
  };
}

function highestBit(word: number): number {
  return 31 - Math.clz32(word);
}

function lowestBit(word: number): number {
  return highestBit(word & -word);
}

/** All bits above one of them. */
function above(bit: number): number {
  return bit === 31 ? 0 : -1 << (bit + 1);
}

function indexOf(word: number): number {
  return ((word % WORDS) + WORDS) % WORDS;
}

/** How long a visit lasted, or has lasted up to the newest position inside. */
export function dwellMs({ enteredAt, lastAt }: Visit): number {
  return lastAt - enteredAt + STEP_MS;
}
