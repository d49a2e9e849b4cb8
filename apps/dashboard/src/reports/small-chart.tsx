const WIDTH = 240;
const HEIGHT = 64;
const GAP = 0.15;

/**
 * Bars of the intervals of a period, and their largest value. Clicking a bar opens its interval; with the keyboard, the rows of
 * the table do.
 */
export function SmallChart(props: {
  title: string;
  labels: readonly string[];
  values: readonly (number | null)[];
  format: (value: number) => string;
  onOpen: (index: number) => void;
}) {
  const { title, labels, values, format, onOpen } = props;
  const largest = Math.max(...values.map((value) => value ?? 0));
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
          const height = value === null || largest === 0 ? 0 : (value / largest) * HEIGHT;
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
      </svg>
    </figure>
  );
}
