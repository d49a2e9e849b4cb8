import { useEffect } from 'react';
import type { ProviderList } from '@hailstream/events/live';
import { useDashboard } from '../dashboard.js';
import { formatCount, shortId } from '../format.js';
import { colorsOfProviders } from '../marks/marks-atlas.js';
import { keyOf } from '../shortcuts.js';
import { useDerived, useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { t } from '../locale/text.js';

/** Providers appear and vehicles are added rarely. */
const REFRESH_EVERY_MS = 10_000;

/** Keeps the list of providers up to date. */
export function useProviders(): void {
  const { city, connection } = useDashboard();
  const isConnected = useStore(connection.state).kind === 'connected';
  const hasCity = useDerived(city.live.tick, (tick) => tick !== null);
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
        <h2 id="providers-heading">{t('providers.title')}</h2>
        <label className="panel-choice" title={`${t('providers.color')} (${keyOf('colors')})`}>
          <input
            type="checkbox"
            checked={isColored}
            onChange={(event) => city.colors.set(event.target.checked ? 'provider' : 'state')}
          />
          {t('providers.color')}
        </label>
      </div>
      {isPast && chosen !== null && <p className="legend-off">{t('providers.past')}</p>}
      <div className="legend legend-long" role="group" aria-label={t('providers.single')}>
        {listed.map(({ provider_id: providerId, vehicles }, index) => (
          <button
            key={providerId}
            type="button"
            className="legend-row"
            aria-pressed={chosen === providerId}
            data-dimmed={chosen !== null && chosen !== providerId}
            title={`${t(chosen === providerId ? 'providers.showAll' : 'providers.showOnly')}: ${providerId}`}
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
