import { formatCount } from '../format.js';
import { SPARKLINE, sparklinePaths } from './sparkline-path.js';

/** A line chart of the last five minutes. */
export function Sparkline({ values, label }: { values: readonly (number | null)[]; label: string }) {
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
        <span>5 min ago</span>
        <span className="sparkline-highest">max {formatCount(highest)}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}
