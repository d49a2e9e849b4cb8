import { formatCount } from '../format.js';
import { SPARKLINE, sparklinePaths } from './sparkline-path.js';

/** A line chart of five minutes. */
export function Sparkline(props: {
  values: readonly (number | null)[];
  label: string;
  /** The time at its right end. */
  end: string;
}) {
  const { values, label, end } = props;
  const { line, area, highest } = sparklinePaths(values);
  return (
    <figure className="sparkline">
      <svg
        viewBox={`0 0 ${SPARKLINE.width} ${SPARKLINE.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}, maximum ${formatCount(highest)}`}
      >
        <path className="sparkline-area" d={area} />
        <path className="sparkline-line" d={line} vectorEffect="non-scaling-stroke" />
      </svg>
      <figcaption>
        <span>{end === 'now' ? '5 min ago' : '5 min before'}</span>
        <span className="sparkline-highest">max {formatCount(highest)}</span>
        <span>{end}</span>
      </figcaption>
    </figure>
  );
}
