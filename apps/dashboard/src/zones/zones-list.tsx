import './zones.css';
import type { ZoneSummary, ZoneVisits } from '@hailstream/events/zones';
import { useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDuration, formatMoment } from '../format.js';
import { useNow } from '../liveness/use-liveness.js';
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
  if (list === null) return <p className="alerts-note">Loading</p>;
  const { zones, countedSince, mayChange, problem } = list;
  return (
    <>
      {problem !== null && <p className="alerts-problems">{problem}</p>}
      <div className="zones-controls">
        <label title={`Show or hide the zones on the map (${keyOf('zones')})`}>
          <input type="checkbox" checked={isShown} onChange={() => alerts.toggleZones()} />
          On the map
        </label>
        {countedSince !== null && <span>counted since {formatMoment(countedSince, now)}</span>}
      </div>
      {zones.length === 0 && (
        <div className="alerts-empty">
          <strong>No zones</strong>
          <p>
            Start with <code>npm start -- --zones zones.geojson</code>, or set <code>REALTIME_ZONES</code> to
            a GeoJSON file of polygons with an id and a name{mayChange ? ', or draw one:' : '.'}
          </p>
        </div>
      )}
      <ul className="zones" aria-label="Zones" data-testid="zones-list">
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
  const { silent, ...moving } = zone.inside;
  const inside = Object.values(moving).reduce((sum, count) => sum + count, 0);
  const states = Object.entries(moving).filter(([, count]) => count > 0);
  return (
    <li className="zone">
      <button
        type="button"
        className="zone-name"
        title="Show on the map"
        onClick={() => {
          if (view.page.get() !== 'map') view.page.set('map');
          alerts.toFit.set(boundsOfZone(zone.geometry));
        }}
      >
        <span>{zone.name}</span>
        <strong>{formatCount(inside)} inside</strong>
      </button>
      {(states.length > 0 || silent > 0) && (
        <p className="zone-states">
          {states.map(([state, count]) => `${formatCount(count)} ${state.replaceAll('_', ' ')}`).join(', ')}
          {silent > 0 && `${states.length > 0 ? ', ' : ''}${formatCount(silent)} silent`}
        </p>
      )}
      <table className="zone-visits">
        <thead>
          <tr>
            <td />
            <th scope="col">In</th>
            <th scope="col">Out</th>
            <th scope="col">
              <abbr title="Half of the stays are not longer">p50</abbr>
            </th>
            <th scope="col">
              <abbr title="Nine of ten stays are not longer">p90</abbr>
            </th>
            <th scope="col">Longest</th>
          </tr>
        </thead>
        <tbody>
          <VisitsRow label="Hour" visits={zone.lastHour} />
          <VisitsRow label="Day" visits={zone.lastDay} />
        </tbody>
      </table>
      {mayRemove && <RemoveZone zone={zone} />}
    </li>
  );
}

function VisitsRow({ label, visits }: { label: string; visits: ZoneVisits }) {
  const duration = (ms: number | null) => (ms === null ? '–' : formatDuration(ms));
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
          aria-label={`Remove ${zone.name}`}
        >
          Remove
        </button>
      )}
      {step === 'asked' && (
        <>
          <button type="button" className="alert-button" onClick={() => void remove()}>
            Remove for all users
          </button>
          <button type="button" className="link-button" onClick={() => setStep('idle')}>
            Keep
          </button>
        </>
      )}
      {typeof step === 'object' && <span className="alert-failure">Not removed: {step.failure}</span>}
    </div>
  );
}
