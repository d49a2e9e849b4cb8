/** One of the two compared sides: `measure` returns the figure of one round. */
interface Side {
  readonly name: string;
  measure(): Promise<number>;
}

export interface Comparison {
  readonly subject: SideResult;
  readonly reference: SideResult;
  /** Median of the subject divided by the median of the reference. */
  readonly ratio: number;
}

interface SideResult {
  readonly name: string;
  readonly rounds: readonly number[];
  readonly median: number;
}

/**
 * Measures two sides alternately, `rounds` times each after a warm-up round, so that a change of the machine's speed
 * affects both.
 */
export async function compare(options: {
  rounds: number;
  subject: Side;
  reference: Side;
}): Promise<Comparison> {
  const { subject, reference } = options;
  const figures = await alternate({
    rounds: options.rounds,
    subject: () => subject.measure(),
    reference: () => reference.measure(),
  });
  return comparison(sideResult(subject.name, figures.subject), sideResult(reference.name, figures.reference));
}

/** The same for rounds that return several values. */
export async function alternate<T>(options: {
  rounds: number;
  subject: () => Promise<T>;
  reference: () => Promise<T>;
}): Promise<{ subject: T[]; reference: T[] }> {
  const results: { subject: T[]; reference: T[] } = { subject: [], reference: [] };
  for (let round = 0; round <= options.rounds; round += 1) {
    const reference = await options.reference();
    const subject = await options.subject();
    if (round === 0) continue;
    results.reference.push(reference);
    results.subject.push(subject);
  }
  return results;
}

/** The measurements of both sides. */
export function comparison(subject: SideResult, reference: SideResult): Comparison {
  return { subject, reference, ratio: subject.median / reference.median };
}

export function sideResult(name: string, rounds: readonly number[]): SideResult {
  return { name, rounds, median: median(rounds) };
}

/** The middle number, or the mean of the two in the middle. @throws RangeError if there are no numbers */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined)
    throw new RangeError('median: expected at least one number');
  return (upper + lower) / 2;
}
