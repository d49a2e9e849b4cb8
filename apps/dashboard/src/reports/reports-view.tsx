import '../controls/page-button.css';
import '../lists/lists.css';
import './reports.css';
import {
  firstDateOf,
  periodNameOf,
  shiftedPeriod,
  type Report,
  type ReportFigure,
  type ReportPeriodKind,
  reportPeriodKinds,
} from '@hailstream/events/reports';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDateTime, UNKNOWN } from '../format.js';
import { ListRows, ListView } from '../lists/list-view.js';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';
import { Segments } from '../controls/segments.js';
import { useShortcuts } from '../shortcuts.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { IntervalsSection } from './intervals-section.js';
import { PlacesSection } from './places-section.js';
import { changeWords, figureValue } from './report-words.js';
import { currentPeriod, kindOfPeriod, reportTimeZone } from '../address/report-period.js';

/** Requests, waits and vehicles of a day, week or month, compared with the one before. */
export function ReportsView() {
  const { city, view } = useDashboard();
  const provider = useStore(city.provider);
  const timeZone = reportTimeZone(locale.get().timeZone);
  const name = useStore(view.report) ?? currentPeriod('day', timeZone);
  const kind = kindOfPeriod(name)!;
  const query = new URLSearchParams({
    [kind]: name,
    time_zone: timeZone,
    ...(provider !== null && { provider_id: provider }),
  });
  const { body, failure } = useRequest<Report>(`/reports?${query}`, null);
  // The report of the period before is kept until the next one is received.
  const report = body?.period.name === name && body.period.timeZone === timeZone ? body : null;
  const show = (next: string): void => view.report.set(next);
  useShortcuts({ close: () => view.page.set('map') });
  return (
    <ListView
      title={t('reports.title')}
      testId="reports"
      total={report === null ? t('common.loading') : t('reports.range', rangeOf(report))}
      failure={failure === null ? null : t('reports.failed', { reason: failure })}
      controls={<PeriodChoice kind={kind} name={name} timeZone={timeZone} onChange={show} />}
    >
      <ListRows label={t('reports.figures')}>
        {report !== null && <ReportContent key={report.period.name} report={report} onShow={show} />}
      </ListRows>
    </ListView>
  );
}

function rangeOf({ period }: Report): { from: string; to: string; zone: string } {
  return { from: formatDateTime(period.from), to: formatDateTime(period.to), zone: period.timeZone };
}

function PeriodChoice(props: {
  kind: ReportPeriodKind;
  name: string;
  timeZone: string;
  onChange: (name: string) => void;
}) {
  const { kind, name, timeZone, onChange } = props;
  const first = firstDateOf(kind, name)!;
  const current = currentPeriod(kind, timeZone);
  return (
    <div className="reports-period" role="group" aria-label={t('reports.period')}>
      <Segments
        label={t('reports.kind')}
        value={kind}
        options={reportPeriodKinds.map((each) => [each, t(`reports.kind.${each}`)] as const)}
        onChange={(next) => onChange(periodNameOf(next, first))}
      />
      <button type="button" className="page-button" onClick={() => onChange(shiftedPeriod(kind, name, -1))}>
        {t('reports.before')}
      </button>
      <label className="reports-date">
        <span>{t('reports.date')}</span>
        <input
          type="date"
          value={periodNameOf('day', first)}
          max={periodNameOf('day', firstDateOf('day', currentPeriod('day', timeZone))!)}
          onChange={({ target }) => {
            const date = firstDateOf('day', target.value);
            if (date !== undefined) onChange(periodNameOf(kind, date));
          }}
        />
      </label>
      <button
        type="button"
        className="page-button"
        disabled={name >= current}
        onClick={() => onChange(shiftedPeriod(kind, name, 1))}
      >
        {t('reports.after')}
      </button>
      <strong data-testid="report-period">{name}</strong>
    </div>
  );
}

function ReportContent({ report, onShow }: { report: Report; onShow: (name: string) => void }) {
  const { figures, outcomes, previous, period } = report;
  const isEmpty = figures.every(({ value }) => (value ?? 0) === 0);
  const hasPositions = report.intervals.some(({ positions }) => (positions ?? 0) > 0);
  if (isEmpty && !hasPositions) {
    return (
      <p className="list-empty" data-testid="empty-report">
        {t('reports.empty', { period: period.name })}
      </p>
    );
  }
  const known = figures.filter(({ value, previous: before }) => value !== null || before !== null);
  return (
    <div className="reports">
      <p className="reports-note">{t('reports.compared', { period: previous.name })}</p>
      <ul className="reports-figures" aria-label={t('reports.figures')} data-testid="report-figures">
        {known.map((figure) => (
          <Figure key={figure.id} figure={figure} />
        ))}
      </ul>
      <IntervalsSection report={report} onShow={onShow} />
      <PlacesSection report={report} />
      <section aria-labelledby="report-outcomes">
        <h3 id="report-outcomes">{t('reports.outcomes')}</h3>
        <dl className="reports-outcomes">
          {outcomes.map(({ outcome, rides }) => (
            <div key={outcome}>
              <dt>{t(`reports.outcome.${outcome}`)}</dt>
              <dd>{rides === null ? UNKNOWN : formatCount(rides)}</dd>
            </div>
          ))}
        </dl>
      </section>
    </div>
  );
}

function Figure({ figure }: { figure: ReportFigure }) {
  const { id, value } = figure;
  return (
    <li>
      <span className="reports-name">{t(`reports.figure.${id}`)}</span>
      <span className="reports-value" data-testid={`report-${id}`}>
        {value === null ? UNKNOWN : figureValue(figure, value)}
      </span>
      <span className="reports-change">{changeWords(figure)}</span>
      <span className="reports-definition">{t(`reports.definition.${id}`)}</span>
    </li>
  );
}
