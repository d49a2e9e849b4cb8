import { t } from '../locale/text.js';
import { hasLine, SPARKLINE, sparklinePaths } from '../sparkline/sparkline-path.js';

/** A line chart of the last hour, one value per minute. */
export function Trend({ values, label }: { values: readonly (number | null)[]; label: string }) {
  if (!hasLine(values)) return <p className="feed-trend feed-trend-none">{t('sparkline.tooFew')}</p>;
  const { line, area } = sparklinePaths(values);
  return (
    <svg
      className="feed-trend"
      viewBox={`0 0 ${SPARKLINE.width} ${SPARKLINE.height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path className="sparkline-area" d={area} />
      <path className="sparkline-line" d={line} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
