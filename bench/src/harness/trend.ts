import { median } from './rounds.js';

/** A value that was measured at a time, while a hostile client of a kind was at work. */
export interface Sample {
  readonly atMs: number;
  /** The round in which each kind has one turn. */
  readonly round: number;
  readonly kind: string;
  readonly value: number;
}

/** How a value has changed. */
export interface Trend {
  /** The median of each round. */
  readonly rounds: readonly number[];
  /** Per hour, after the first round, with a confidence of 95 %. */
  readonly slope: number;
  readonly interval: readonly [number, number];
  readonly grows: boolean;
}

const HOUR_MS = 3_600_000;
/** Quantile 0.975 of the normal distribution; there are dozens of turns. */
const CONFIDENCE_95 = 1.96;
/** In the first round, each kind is new to the processes: memory rises to what they need. */
const FIRST_ROUND = 1;
/** A value grows if its slope is above 0 with confidence, and adds more than this to it within the measured time. */
const TOLERATED_PART = 0.05;

/**
 * The growth of a value that depends on the kind of the hostile client: the turns of each kind are compared with one another, so
 * that it does not matter which kind is the last.
 *
 * @param tolerated what may be added in any case
 */
export function trendOf(samples: readonly Sample[], tolerated: number): Trend {
  const rounds = [...new Set(samples.map(({ round }) => round))].toSorted((a, b) => a - b);
  const medians = rounds.map((round) => median(valuesOf(samples.filter((each) => each.round === round))));
  const turns = turnsOf(samples.filter(({ round }) => round >= FIRST_ROUND));
  const centred = groups(turns, ({ kind }) => kind).flatMap((same) => {
    const [time, value] = [mean(same.map(({ atMs }) => atMs)), mean(same.map((turn) => turn.value))];
    return same.map((turn) => ({ x: turn.atMs - time, y: turn.value - value }));
  });
  const kinds = new Set(turns.map(({ kind }) => kind)).size;
  const spread = sum(centred.map(({ x }) => x * x));
  const freedom = centred.length - kinds - 1;
  if (spread === 0 || freedom < 1)
    return { rounds: medians, slope: 0, interval: [-Infinity, Infinity], grows: false };
  const slope = sum(centred.map(({ x, y }) => x * y)) / spread;
  const error = Math.sqrt(sum(centred.map(({ x, y }) => (y - slope * x) ** 2)) / freedom / spread);
  const [low, high] = [slope - CONFIDENCE_95 * error, slope + CONFIDENCE_95 * error];
  const times = turns.map(({ atMs }) => atMs);
  const added = slope * (Math.max(...times) - Math.min(...times));
  const level = median(turns.map(({ value }) => value));
  return {
    rounds: medians,
    slope: slope * HOUR_MS,
    interval: [low * HOUR_MS, high * HOUR_MS],
    grows: low > 0 && added > Math.max(tolerated, level * TOLERATED_PART),
  };
}

/** The median of each turn. */
function turnsOf(samples: readonly Sample[]): Sample[] {
  return groups(samples, ({ round, kind }) => `${round}/${kind}`).map((same) => ({
    ...same[0]!,
    atMs: mean(same.map(({ atMs }) => atMs)),
    value: median(valuesOf(same)),
  }));
}

function groups(samples: readonly Sample[], keyOf: (sample: Sample) => string): Sample[][] {
  const byKey = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = keyOf(sample);
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [sample]);
    else group.push(sample);
  }
  return [...byKey.values()];
}

function valuesOf(samples: readonly Sample[]): number[] {
  return samples.map(({ value }) => value);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
