import type { Report, ReportInterval, ReportMeasures } from '@hailstream/events/reports';
import { useDashboard } from '../dashboard.js';
import { formatClock, formatCount, formatDay, formatDuration, formatShare, UNKNOWN } from '../format.js';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';
import { SmallChart } from './small-chart.js';
import { periodNameOf } from '@hailstream/events/reports';

const HOUR_MS = 3_600_000;

const MEASURES = [
  ['requests', formatCount],
  ['trips', formatCount],
  ['cancelled', formatCount],
  ['medianWaitSeconds', (seconds: number) => formatDuration(seconds * 1_000)],
  ['p90WaitSeconds', (seconds: number) => formatDuration(seconds * 1_000)],
  ['workingVehicles', (vehicles: number) => locale.get().oneDecimal.format(vehicles)],
  ['utilisationShare', (share: number) => formatShare(share, 1)],
  ['positions', formatCount],
] as const satisfies readonly (readonly [keyof ReportMeasures, (value: number) => string])[];

/** The hours of a day, or the days of a week or month: a chart of each measure, and a table. Each opens what it shows. */
export function IntervalsSection({ report, onShow }: { report: Report; onShow: (name: string) => void }) {
  const { intervals, previousIntervals, period, previous } = report;
  const openInterval = useOpenInterval(report, onShow);
  const isDay = period.kind === 'day';
  const shown = MEASURES.filter(([name]) => intervals.some((interval) => (interval[name] ?? 0) > 0));
  const wordsOf = ({ start }: ReportInterval): string =>
    isDay ? formatClock(Date.parse(start)) : formatDay(Date.parse(start));
  return (
    <section aria-labelledby="report-intervals">
      <h3 id="report-intervals">{t(isDay ? 'reports.hourByHour' : 'reports.dayByDay')}</h3>
      <p className="reports-note">
        {t(isDay ? 'reports.openMoment' : 'reports.openDay')}{' '}
        {t('reports.beforeLine', { period: previous.name })}
      </p>
      <div className="reports-charts">
        {shown.map(([name, format]) => (
          <SmallChart
            key={name}
            title={t(`reports.measure.${name}`)}
            values={intervals.map((interval) => interval[name])}
            before={previousIntervals.map((interval) => interval[name])}
            labels={intervals.map(wordsOf)}
            format={format}
            onOpen={(index) => openInterval(intervals[index]!)}
          />
        ))}
      </div>
      <div className="reports-scroll" role="region" aria-label={t('reports.table')} tabIndex={0}>
        <table className="list-table reports-table" data-testid="report-intervals">
          <thead>
            <tr>
              <th scope="col">{t('reports.start')}</th>
              {shown.map(([name]) => (
                <th key={name} scope="col">
                  {t(`reports.measure.${name}`)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {intervals.map((interval) => (
              <tr key={interval.start}>
                <th scope="row">
                  <button type="button" className="link-button" onClick={() => openInterval(interval)}>
                    {wordsOf(interval)}
                  </button>
                </th>
                {shown.map(([name, format]) => (
                  <td key={name}>{interval[name] === null ? UNKNOWN : format(interval[name])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** An hour is opened on the map, a day as a report. */
function useOpenInterval({ period }: Report, onShow: (name: string) => void) {
  const { history, view } = useDashboard();
  return ({ start }: ReportInterval): void => {
    if (period.kind === 'day') {
      history.at.set(Math.min(Date.parse(start) + HOUR_MS / 2, Date.now()));
      view.page.set('map');
    } else {
      const date = new Intl.DateTimeFormat('en-CA', { timeZone: period.timeZone, dateStyle: 'short' });
      onShow(periodNameOf('day', Date.parse(`${date.format(Date.parse(start))}T00:00:00Z`)));
    }
  };
}
