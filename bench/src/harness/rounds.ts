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
  /** An interval that contains the true ratio with a probability of at least 95 %, if there are enough rounds. */
  readonly interval?: Interval;
}

type Interval = readonly [low: number, high: number];

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
  const { rounds, reference, subject } = options;
  return await inTurn(rounds, { reference, subject });
}

/** The same for any number of sides. Returns the rounds of each. */
export async function inTurn<K extends string, T>(
  rounds: number,
  sides: Readonly<Record<K, () => Promise<T>>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(sides) as K[];
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<K, T[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of names) {
      const result = await sides[name]();
      if (round > 0) results[name].push(result);
    }
  }
  return results;
}

/** The measurements of both sides. */
export function comparison(subject: SideResult, reference: SideResult): Comparison {
  return { subject, reference, ratio: subject.median / reference.median };
}

/**
 * The measurements of both sides, with the median of the ratios of rounds that followed each other: changes of the machine's
 * speed from one pair to the next have no effect on it.
 */
export function pairedComparison(subject: SideResult, reference: SideResult): Comparison {
  const ratios = subject.rounds.map((figure, round) => figure / reference.rounds[round]!);
  const interval = medianInterval(ratios);
  return { subject, reference, ratio: median(ratios), ...(interval && { interval }) };
}

/**
 * The confidence interval of a median of at least 95 %, which assumes no distribution: the true median is below the k-th
 * smallest number with the probability that fewer than k of n coins show heads. `null` for fewer than six numbers.
 */
export function medianInterval(numbers: readonly number[]): Interval | null {
  const sorted = numbers.toSorted((a, b) => a - b);
  const count = sorted.length;
  let [k, probability, term] = [0, 0, 0.5 ** count];
  while ((probability += term) <= 0.025) {
    k += 1;
    term *= (count - k + 1) / k;
  }
  return k === 0 ? null : [sorted[k - 1]!, sorted[count - k]!];
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
