import './kpis.css';
import type { Kpis } from '@hailstream/events/live';
import { Segments } from '../controls/segments.js';
import { useDashboard } from '../dashboard.js';
import { formatMoment } from '../format.js';
import { t } from '../locale/text.js';
import { useMomentQuery } from '../use-moment-query.js';
import { hasLine, SPARKLINE, sparklinePaths } from '../sparkline/sparkline-path.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { changeInWords, describeSeries, formatKpi, kpiFigures } from './kpi-figures.js';

const REFRESH_EVERY_MS = { hour: 5_000, day: 30_000 } as const;

const windows = ['closed', 'hour', 'day'] as const;

/** Key figures with their course over the last hour or day. */
export function KpiSection() {
  const { view } = useDashboard();
  const window = useStore(view.kpis);
  return (
    <section className="panel-section kpis" aria-labelledby="kpis-heading" data-testid="kpis">
      <div className="panel-heading">
        <h2 id="kpis-heading">{t('kpis.title')}</h2>
        <Segments
          label={t('kpis.window')}
          value={window}
          options={windows.map((each) => [each, t(`kpis.window.${each}`)] as const)}
          onChange={(value) => view.kpis.set(value)}
        />
      </div>
      {window !== 'closed' && <Figures key={window} window={window} />}
    </section>
  );
}

function Figures({ window }: { window: 'hour' | 'day' }) {
  const { city } = useDashboard();
  const provider = useStore(city.provider);
  const moment = useMomentQuery();
  const whose = provider === null ? '' : `&provider_id=${provider}`;
  const { body, failure } = useRequest<Kpis>(
    `/kpis?window=${window}${whose}${moment}`,
    moment === '' ? REFRESH_EVERY_MS[window] : null,
  );
  if (body === null) {
    return (
      <p className="kpis-note">
        {failure === null ? t('kpis.loading') : t('kpis.failed', { reason: failure })}
      </p>
    );
  }
  return (
    <>
      <table className="kpis-table">
        <caption className="visually-hidden">
          {t(window === 'hour' ? 'kpis.captionHour' : 'kpis.captionDay', {
            time: formatMoment(body.asOf, body.asOf),
          })}
        </caption>
        {/* Fixed widths are those of columns: the head is not part of the layout. */}
        <colgroup>
          <col className="kpis-label-column" />
          <col />
          <col className="kpis-value-column" />
        </colgroup>
        <thead className="visually-hidden">
          <tr>
            <th scope="col">{t('kpis.figure')}</th>
            <th scope="col">{t('kpis.course')}</th>
            <th scope="col">{t('kpis.now')}</th>
          </tr>
        </thead>
        <tbody>
          {kpiFigures.map((figure) => (
            <FigureRow key={figure.name} figure={figure} kpis={body} />
          ))}
        </tbody>
      </table>
      <p className="kpis-note">
        {Object.values(body.series).some(hasLine) || `${t('kpis.noLines')} `}
        {t(window === 'hour' ? 'kpis.noteHour' : 'kpis.noteDay')}
        {failure !== null && ` ${t('kpis.notUpToDate', { reason: failure })}`}
      </p>
    </>
  );
}

function FigureRow({ figure, kpis }: { figure: (typeof kpiFigures)[number]; kpis: Kpis }) {
  const { name, format } = figure;
  const values = kpis.series[name];
  const before = kpis.previous?.[name] ?? null;
  const highest = Math.max(0, ...[...values, ...(before ?? [])].map((value) => value ?? 0));
  const change = before === null ? null : changeInWords(values, before);
  const series = describeSeries(values, format);
  return (
    <tr data-kpi={name}>
      <th scope="row">{t(`kpi.${name}`)}</th>
      <td className="kpis-course">
        <svg
          viewBox={`0 0 ${SPARKLINE.width} ${SPARKLINE.height}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={change === null ? series : t('kpis.compared', { series, change })}
        >
          {before !== null && (
            <path
              className="kpis-before"
              d={sparklinePaths(before, highest).line}
              vectorEffect="non-scaling-stroke"
            />
          )}
          <path
            className="sparkline-line"
            d={sparklinePaths(values, highest).line}
            vectorEffect="non-scaling-stroke"
          />
        </svg>
      </td>
      <td className="kpis-value">
        {formatKpi(format, kpis.now[name])}
        {change !== null && <span className="kpis-change">{change}</span>}
      </td>
    </tr>
  );
}
