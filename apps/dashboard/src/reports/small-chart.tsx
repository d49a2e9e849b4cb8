const WIDTH = 240;
const HEIGHT = 64;
const GAP = 0.15;

/**
 * Bars of the intervals of a period and a line of the period before, and the largest value of the bars. Clicking a bar opens its interval; with the keyboard, the rows of
 * the table do.
 */
export function SmallChart(props: {
  title: string;
  labels: readonly string[];
  values: readonly (number | null)[];
  /** Of the period before, which may have more or fewer. */
  before: readonly (number | null)[];
  format: (value: number) => string;
  onOpen: (index: number) => void;
}) {
  const { title, labels, values, before, format, onOpen } = props;
  const largest = Math.max(...values.map((value) => value ?? 0));
  const top = Math.max(largest, ...before.map((value) => value ?? 0));
  const step = WIDTH / values.length;
  return (
    <figure className="reports-chart">
      <figcaption>
        <strong>{title}</strong> <span>{format(largest)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${format(largest)}`}
      >
        {values.map((value, index) => {
          const height = value === null || top === 0 ? 0 : (value / top) * HEIGHT;
          return (
            <g key={index} onClick={() => onOpen(index)}>
              <title>{`${labels[index]}: ${value === null ? '–' : format(value)}`}</title>
              <rect className="reports-target" x={index * step} y={0} width={step} height={HEIGHT} />
              <rect
                className="reports-bar"
                x={index * step + (step * GAP) / 2}
                y={HEIGHT - height}
                width={step * (1 - GAP)}
                height={height}
              />
            </g>
          );
        })}
        {runsOf(before.slice(0, values.length)).map((run) => (
          <polyline
            key={run[0]}
            className="reports-before"
            points={run
              .map((index) => `${(index + 0.5) * step},${HEIGHT - ((before[index] ?? 0) / top) * HEIGHT}`)
              .join(' ')}
          />
        ))}
      </svg>
    </figure>
  );
}

/** Indexes of neighbouring known values, unless all are 0: a line along the bottom would show nothing. */
function runsOf(values: readonly (number | null)[]): number[][] {
  if (values.every((value) => value === null || value === 0)) return [];
  const runs: number[][] = [];
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    if (runs.length > 0 && runs.at(-1)!.at(-1) === index - 1) runs.at(-1)!.push(index);
    else runs.push([index]);
  }
  return runs.filter((run) => run.length > 1);
}
