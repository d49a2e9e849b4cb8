import './panel.css';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDuration } from '../format.js';
import { useStore } from '../store.js';
import { FiltersSection } from '../filters/filters-section.js';
import { HeatSection } from '../heat/heat-section.js';
import { KpiSection } from '../kpis/kpi-section.js';
import { WatchlistSection } from '../watchlists/watchlist-section.js';
import { Find } from './find.js';
import { Legend, RidersRow } from './legend.js';
import { Providers } from './providers.js';
import { Sparkline } from '../sparkline/sparkline.js';
import { t } from '../locale/text.js';

/** Counts of the city: vehicles by state, which is also legend and filter, events and rides. */
export function FleetPanel() {
  const { city } = useDashboard();
  const contents = useStore(city.shown);
  const tick = useStore(contents.tick);
  const figures = tick?.figures ?? null;
  const count = (value: number | undefined) => (value === undefined ? '' : formatCount(value));
  return (
    <aside className="panel" aria-label={t('panel.figures')}>
      <Find />
      <Legend figures={figures} />
      <FiltersSection />
      <Providers />
      <HeatSection />
      <WatchlistSection />
      <KpiSection />
      <section className="panel-section" aria-labelledby="events-heading">
        <h2 id="events-heading">{t('panel.events')}</h2>
        <p className="panel-rate">
          <strong data-testid="events-per-second">{count(figures?.eventsPerSecond)}</strong>{' '}
          {t('panel.perSecond')}
        </p>
        <Sparkline
          values={tick?.eventsPerSecond ?? []}
          label={t('panel.sparkline')}
          end={contents === city.live ? 'now' : 'then'}
        />
      </section>
      <section className="panel-section" aria-labelledby="rides-heading">
        <h2 id="rides-heading">{t('panel.rides')}</h2>
        <RidersRow count={figures?.requestsWaiting ?? null} />
        <dl className="panel-figures">
          <Figure label={t('panel.tripsNow')} value={count(figures?.tripsNow)} />
          <Figure label={t('panel.longestWait')} value={figures === null ? '' : longestWait(figures)} />
          <Figure label={t('panel.cancelled')} value={count(figures?.cancellations)} />
        </dl>
      </section>
    </aside>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div className="figure">
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function longestWait({ requestsWaiting, longestWaitMs }: { requestsWaiting: number; longestWaitMs: number }) {
  return requestsWaiting === 0 ? t('panel.none') : formatDuration(longestWaitMs);
}
