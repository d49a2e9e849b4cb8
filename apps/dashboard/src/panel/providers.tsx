import { useEffect } from 'react';
import type { ProviderList } from '@hailstream/events/live';
import { useDashboard } from '../dashboard.js';
import { formatCount, shortId } from '../format.js';
import { colorsOfProviders } from '../marks/marks-atlas.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';

/** Providers appear and vehicles are added rarely. */
const REFRESH_EVERY_MS = 10_000;

/** Keeps the list of providers up to date. */
export function useProviders(): void {
  const { city, connection } = useDashboard();
  const isConnected = useStore(connection.state).kind === 'connected';
  const hasCity = useStore(city.live.tick) !== null;
  const { body } = useRequest<ProviderList>(isConnected && hasCity ? '/providers' : null, REFRESH_EVERY_MS);
  useEffect(() => {
    if (body === null || JSON.stringify(body.providers) === JSON.stringify(city.providers.get())) return;
    city.providers.set(body.providers);
  }, [city, body]);
}

/** The providers, if there are several: each shows its vehicles alone. It is also the legend of the colours by provider. */
export function Providers() {
  const { city } = useDashboard();
  const providers = useStore(city.providers);
  const chosen = useStore(city.provider);
  const colors = useStore(city.colors);
  const isPast = useStore(city.shown) !== city.live;
  const isColored = colors === 'provider';
  // A provider that an address names is listed even if it is the only one, or not known, so that it can be switched off.
  if (providers.length < 2 && chosen === null) return null;
  const isKnown = providers.some(({ provider_id: id }) => id === chosen);
  const listed =
    chosen === null || isKnown ? providers : [...providers, { provider_id: chosen, vehicles: 0 }];
  return (
    <section className="panel-section" aria-labelledby="providers-heading" data-testid="providers">
      <div className="panel-heading">
        <h2 id="providers-heading">Providers</h2>
        <label className="panel-choice" title={`Colour by provider (${keyOf('colors')})`}>
          <input
            type="checkbox"
            checked={isColored}
            onChange={(event) => city.colors.set(event.target.checked ? 'provider' : 'state')}
          />
          Colour by provider
        </label>
      </div>
      {isPast && chosen !== null && <p className="legend-off">The map of the past shows all providers.</p>}
      <div className="legend legend-long" role="group" aria-label="Show one provider">
        {listed.map(({ provider_id: providerId, vehicles }, index) => (
          <button
            key={providerId}
            type="button"
            className="legend-row"
            aria-pressed={chosen === providerId}
            data-dimmed={chosen !== null && chosen !== providerId}
            title={`${chosen === providerId ? 'Show all providers' : 'Show only this provider'}: ${providerId}`}
            onClick={() => city.provider.set(chosen === providerId ? null : providerId)}
          >
            <span
              className="legend-color"
              style={
                isColored
                  ? { backgroundColor: colorsOfProviders[Math.min(index, colorsOfProviders.length - 1)] }
                  : {}
              }
            />
            <span className="legend-label">{shortId(providerId)}</span>
            <span className="legend-count">{formatCount(vehicles)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}
