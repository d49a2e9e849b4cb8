/** A sparkline's box; the picture is stretched to where it is put. */
export const SPARKLINE = { width: 300, height: 48 } as const;

export interface SparklinePaths {
  /** The line, broken where nothing is known. */
  readonly line: string;
  /** What lies under the line, to be filled. */
  readonly area: string;
  readonly highest: number;
}

/** The values, oldest first, as SVG paths; the baseline is 0, so that small changes of a large figure look small. */
export function sparklinePaths(values: readonly (number | null)[]): SparklinePaths {
  const highest = values.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
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

interface Known {
  readonly index: number;
  readonly value: number;
}

/** Neighbouring values that are known. */
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

/** The points, and down to the baseline at both ends. */
function closed(points: readonly string[]): string {
  const [first, last] = [points[0]!.split(' ')[0]!, points.at(-1)!.split(' ')[0]!];
  return [`${first} ${SPARKLINE.height}`, ...points, `${last} ${SPARKLINE.height}`].join('L');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
