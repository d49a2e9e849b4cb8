/** One of the things compared: `measure` gives one round's figure, larger is better. */
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
  const figures: { ours: number[]; reference: number[] } = { ours: [], reference: [] };
  for (let round = 0; round <= options.rounds; round += 1) {
    const reference = await options.reference.measure();
    const ours = await options.ours.measure();
    if (round === 0) continue;
    figures.reference.push(reference);
    figures.ours.push(ours);
  }
  const ours = sideResult(options.ours.name, figures.ours);
  const reference = sideResult(options.reference.name, figures.reference);
  return { ours, reference, ratio: ours.median / reference.median };
}

function sideResult(name: string, rounds: readonly number[]): SideResult {
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
