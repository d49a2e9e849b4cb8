import type { Figures } from '@hailstream/events/live';
import { type StateOnMap, statesOffMap, statesOnMap } from '../city-state/drawn-state.js';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatShare, UNKNOWN } from '../format.js';
import { marks } from '../marks/marks.js';
import { MarkSwatch, RiderSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { t } from '../locale/text.js';

/** In the reverse of the order in which they are drawn. */
const listed = statesOnMap.toReversed().filter((state) => state !== 'unknown');

/** Vehicles by state. Each row toggles whether vehicles in that state are drawn. */
export function Legend({ figures }: { figures: Figures | null }) {
  const { city } = useDashboard();
  const hidden = useStore(city.hidden);
  const total = figures === null ? 0 : Object.values(figures.byState).reduce((sum, count) => sum + count, 0);
  const rows: StateOnMap[] = [...listed, 'unknown'];
  return (
    <section className="panel-section" aria-labelledby="vehicles-heading">
      <div className="panel-heading">
        <h2 id="vehicles-heading">{t('legend.vehicles')}</h2>
        <button
          type="button"
          className="link-button"
          onClick={() => city.showAllStates()}
          data-shown={hidden.size > 0}
          disabled={hidden.size === 0}
        >
          {t('legend.showAll')}
        </button>
        <strong className="panel-total" data-testid="vehicles-total">
          {figures === null ? '' : formatCount(total)}
        </strong>
      </div>
      <div className="legend" role="group" aria-label={t('legend.states')}>
        {rows.map((state) => (
          <LegendRow
            key={state}
            state={state}
            count={figures?.byState[state] ?? null}
            total={total}
            isShown={!hidden.has(state)}
            onToggle={() => city.toggleState(state)}
          />
        ))}
      </div>
      <p className="legend-off">
        {t('legend.off')}{' '}
        {statesOffMap.map((state) => (
          <span key={state}>
            {t(`state.${state}`).toLowerCase()}{' '}
            <b>{figures === null ? UNKNOWN : formatCount(figures.byState[state])}</b>,{' '}
          </span>
        ))}
        {t('contact.silent')} <b>{figures === null ? UNKNOWN : formatCount(figures.silent)}</b>
      </p>
    </section>
  );
}

/** The number of waiting riders. The row toggles whether they are drawn. */
export function RidersRow({ count }: { count: number | null }) {
  const { city } = useDashboard();
  const isShown = useStore(city.riders) === 'shown';
  return (
    <div className="legend" role="group" aria-label={t('legend.riders')}>
      <button
        type="button"
        className="legend-row"
        aria-pressed={isShown}
        data-dimmed={!isShown}
        data-testid="riders-waiting"
        title={t(isShown ? 'legend.hide' : 'legend.show')}
        onClick={() => city.riders.set(isShown ? 'hidden' : 'shown')}
      >
        <RiderSwatch />
        <span className="legend-label">{t('legend.ridersWaiting')}</span>
        <span className="legend-count">{count === null ? '' : formatCount(count)}</span>
      </button>
    </div>
  );
}

function LegendRow(props: {
  state: StateOnMap;
  count: number | null;
  total: number;
  isShown: boolean;
  onToggle: () => void;
}) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  const { color } = marks[props.state];
  const share = props.count === null || props.total === 0 ? 0 : props.count / props.total;
  return (
    <button
      type="button"
      className="legend-row"
      aria-pressed={props.isShown}
      data-dimmed={!props.isShown}
      data-state={props.state}
      title={t(props.isShown ? 'legend.hide' : 'legend.show')}
      onClick={props.onToggle}
    >
      <MarkSwatch state={props.state} theme={painted} />
      <span className="legend-label">{t(`state.${props.state}`)}</span>
      <span className="legend-count">{props.count === null ? '' : formatCount(props.count)}</span>
      <span className="legend-share">
        {props.count === null ? '' : formatShare(props.count, props.total)}
      </span>
      <span
        className="legend-bar"
        style={{ transform: `scaleX(${share})`, backgroundColor: color[painted] }}
        aria-hidden="true"
      />
    </button>
  );
}
