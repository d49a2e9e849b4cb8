import { formatCount } from '../format.js';
import { hasLine, SPARKLINE, sparklinePaths } from './sparkline-path.js';
import { t } from '../locale/text.js';

/** A line chart of five minutes. */
export function Sparkline(props: {
  values: readonly (number | null)[];
  label: string;
  /** The time at its right end. */
  end: 'now' | 'then';
}) {
  const { values, label, end } = props;
  if (!hasLine(values)) return <p className="sparkline-none">{t('sparkline.tooFew')}</p>;
  const { line, area, highest } = sparklinePaths(values);
  return (
    <figure className="sparkline">
      <svg
        viewBox={`0 0 ${SPARKLINE.width} ${SPARKLINE.height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t('sparkline.maximum', { label, value: formatCount(highest) })}
      >
        <path className="sparkline-area" d={area} />
        <path className="sparkline-line" d={line} vectorEffect="non-scaling-stroke" />
      </svg>
      <figcaption>
        <span>{t(end === 'now' ? 'sparkline.ago' : 'sparkline.before')}</span>
        <span className="sparkline-highest">{t('sparkline.max', { value: formatCount(highest) })}</span>
        <span>{t(`time.${end}`)}</span>
      </figcaption>
    </figure>
  );
}
