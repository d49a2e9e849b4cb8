import './zones.css';
import type { ZoneSummary, ZoneVisits } from '@hailstream/events/zones';
import { useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDuration, formatMoment, UNKNOWN } from '../format.js';
import { useNow } from '../liveness/use-liveness.js';
import { RichText } from '../locale/rich-text.js';
import { t } from '../locale/text.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { boundsOfZone } from '../alert-state/zone-bounds.js';
import { ZoneEditor } from './zone-editor.js';

/** The zones, with what vehicles do in them. */
export function ZonesList() {
  const { alerts } = useDashboard();
  const list = useStore(alerts.zones);
  const isShown = useStore(alerts.zonesOnMap) === 'shown';
  const now = useNow().date;
  if (list === null) return <p className="alerts-note">{t('common.loading')}</p>;
  const { zones, countedSince, mayChange, problem } = list;
  return (
    <>
      {problem !== null && <p className="alerts-problems">{problem}</p>}
      <div className="zones-controls">
        <label title={`${t('key.zones')} (${keyOf('zones')})`}>
          <input type="checkbox" checked={isShown} onChange={() => alerts.toggleZones()} />
          {t('zones.onMap')}
        </label>
        {countedSince !== null && (
          <span>{t('zones.counted', { time: formatMoment(countedSince, now) })}</span>
        )}
      </div>
      {zones.length === 0 && (
        <div className="alerts-empty">
          <strong>{t('zones.none')}</strong>
          <p>
            <RichText
              of={mayChange ? 'zones.startOrDraw' : 'zones.start'}
              values={{
                command: <code>npm start -- --zones zones.geojson</code>,
                setting: <code>REALTIME_ZONES</code>,
              }}
            />
          </p>
        </div>
      )}
      <ul className="zones" aria-label={t('alerts.tab.zones')} data-testid="zones-list">
        {zones.map((zone) => (
          <ZoneRow key={zone.id} zone={zone} mayRemove={mayChange && zone.source === 'page'} />
        ))}
      </ul>
      {mayChange && <ZoneEditor />}
    </>
  );
}

function ZoneRow({ zone, mayRemove }: { zone: ZoneSummary; mayRemove: boolean }) {
  const { alerts, view } = useDashboard();
  const inside = Object.values(zone.inside).reduce((sum, count) => sum + count, -zone.inside.silent);
  const states = stateWords(zone.inside);
  return (
    <li className="zone">
      <button
        type="button"
        className="zone-name"
        title={t('common.showOnMap')}
        onClick={() => {
          if (view.page.get() !== 'map') view.page.set('map');
          alerts.toFit.set(boundsOfZone(zone.geometry));
        }}
      >
        <span>{zone.name}</span>
        <strong>{t('zones.inside', { count: formatCount(inside) })}</strong>
      </button>
      {states !== '' && <p className="zone-states">{states}</p>}
      <table className="zone-visits">
        <thead>
          <tr>
            <td />
            <th scope="col">{t('zones.in')}</th>
            <th scope="col">{t('zones.out')}</th>
            <th scope="col">
              <abbr title={t('zones.p50')}>p50</abbr>
            </th>
            <th scope="col">
              <abbr title={t('zones.p90')}>p90</abbr>
            </th>
            <th scope="col">{t('zones.longest')}</th>
          </tr>
        </thead>
        <tbody>
          <VisitsRow label={t('zones.hour')} visits={zone.lastHour} />
          <VisitsRow label={t('zones.day')} visits={zone.lastDay} />
        </tbody>
      </table>
      {mayRemove && <RemoveZone zone={zone} />}
    </li>
  );
}

/** How many of the vehicles in a zone have each state; silent ones last. */
function stateWords({ silent, ...byState }: ZoneSummary['inside']): string {
  const states = Object.keys(byState) as (keyof typeof byState)[];
  return [
    ...states.map((state) => ({ count: byState[state], state: t(`state.${state}`).toLowerCase() })),
    { count: silent, state: t('contact.silent') },
  ]
    .filter(({ count }) => count > 0)
    .map(({ count, state }) => t('zones.stateCount', { count: formatCount(count), state }))
    .join(', ');
}

function VisitsRow({ label, visits }: { label: string; visits: ZoneVisits }) {
  const duration = (ms: number | null) => (ms === null ? UNKNOWN : formatDuration(ms));
  return (
    <tr>
      <th scope="row">{label}</th>
      <td>{formatCount(visits.entries)}</td>
      <td>{formatCount(visits.exits)}</td>
      <td>{duration(visits.dwellP50Ms)}</td>
      <td>{duration(visits.dwellP90Ms)}</td>
      <td>{duration(visits.dwellLongestMs)}</td>
    </tr>
  );
}

/** Requires a confirmation, because the zone is removed for all users. */
function RemoveZone({ zone }: { zone: ZoneSummary }) {
  const { alerts, connection } = useDashboard();
  const [step, setStep] = useState<'idle' | 'asked' | 'sent' | { failure: string }>('idle');
  const remove = async (): Promise<void> => {
    setStep('sent');
    const answer = await connection.change('DELETE', `/zones/${zone.id}`);
    if (answer.kind === 'ok') alerts.reloadZones();
    else setStep({ failure: answer.reason });
  };
  return (
    <div className="alert-status" role="status">
      {step === 'idle' && (
        <button
          type="button"
          className="link-button"
          onClick={() => setStep('asked')}
          aria-label={t('zones.removeOf', { name: zone.name })}
        >
          {t('zones.remove')}
        </button>
      )}
      {step === 'asked' && (
        <>
          <button type="button" className="alert-button" onClick={() => void remove()}>
            {t('zones.removeForAll')}
          </button>
          <button type="button" className="link-button" onClick={() => setStep('idle')}>
            {t('zones.keep')}
          </button>
        </>
      )}
      {typeof step === 'object' && (
        <span className="alert-failure">{t('zones.notRemoved', { reason: step.failure })}</span>
      )}
    </div>
  );
}
