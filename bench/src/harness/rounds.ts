/** One of the things compared: `measure` gives one round's figure. */
export interface Side {
  readonly name: string;
  measure(): Promise<number>;
}

export interface Comparison {
  readonly ours: SideResult;
  readonly reference: SideResult;
  /** Median of ours by median of the reference. */
  readonly ratio: number;
}

export interface SideResult {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly median: number;
}

/**
 * Measures two sides in turn, `rounds` times each after one round that does not count, so that a machine that gets
 * slower or faster meanwhile does so for both.
 */
export async function compare(options: { rounds: number; ours: Side; reference: Side }): Promise<Comparison> {
  const { ours, reference } = options;
  const figures = await alternate({
    rounds: options.rounds,
    ours: () => ours.measure(),
    reference: () => reference.measure(),
  });
  return comparison(sideResult(ours.name, figures.ours), sideResult(reference.name, figures.reference));
}

/** The same where a round gives more than one figure. */
export async function alternate<T>(options: {
  rounds: number;
  ours: () => Promise<T>;
  reference: () => Promise<T>;
}): Promise<{ ours: T[]; reference: T[] }> {
  const results: { ours: T[]; reference: T[] } = { ours: [], reference: [] };
  for (let round = 0; round <= options.rounds; round += 1) {
    const reference = await options.reference();
    const ours = await options.ours();
    if (round === 0) continue;
    results.reference.push(reference);
    results.ours.push(ours);
  }
  return results;
}

/** Two sides that were measured. */
export function comparison(ours: SideResult, reference: SideResult): Comparison {
  return { ours, reference, ratio: ours.median / reference.median };
}

export function sideResult(name: string, rounds: readonly number[]): SideResult {
  return { name, rounds, median: median(rounds) };
}

/** The middle one, or the mean of the two in the middle. @throws RangeError of no numbers */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('no numbers have no median');
  return (upper + lower) / 2;
}
