/** The view box of a sparkline; the page stretches it. */
export const SPARKLINE = { width: 300, height: 48 } as const;

interface SparklinePaths {
  /** The line, interrupted where there is no value. */
  readonly line: string;
  /** The area under the line. */
  readonly area: string;
  readonly highest: number;
}

/**
 * SVG paths of the values, oldest first. The baseline is 0, so that small changes of a large value look small.
 *
 * @param top the value at the upper edge; the highest value if omitted
 */
export function sparklinePaths(
  values: readonly (number | null)[],
  top = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0),
): SparklinePaths {
  const highest = top;
  const across = SPARKLINE.width / Math.max(1, values.length - 1);
  const up = highest === 0 ? 0 : (SPARKLINE.height - 2) / highest;
  const runs = knownRuns(values).map((run) =>
    run.map(({ index, value }) => `${round(index * across)} ${round(SPARKLINE.height - 1 - value * up)}`),
  );
  return {
    line: runs.map((points) => `M${points.join('L')}`).join(''),
    area: runs.map((points) => `M${closed(points)}Z`).join(''),
    highest,
  };
}

/** Whether a line is drawn: two values are next to each other. */
export function hasLine(values: readonly (number | null)[]): boolean {
  return knownRuns(values).some((run) => run.length > 1);
}

interface Known {
  readonly index: number;
  readonly value: number;
}

/** Runs of values without a gap. */
function knownRuns(values: readonly (number | null)[]): Known[][] {
  const runs: Known[][] = [];
  let isInRun = false;
  values.forEach((value, index) => {
    if (value === null) {
      isInRun = false;
    } else if (isInRun) {
      runs.at(-1)!.push({ index, value });
    } else {
      runs.push([{ index, value }]);
      isInRun = true;
    }
  });
  return runs;
}

/** The path of a run, closed along the baseline. */
function closed(points: readonly string[]): string {
  const [first, last] = [points[0]!.split(' ')[0]!, points.at(-1)!.split(' ')[0]!];
  return [`${first} ${SPARKLINE.height}`, ...points, `${last} ${SPARKLINE.height}`].join('L');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
