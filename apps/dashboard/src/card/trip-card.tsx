import type { SearchResult, SearchResults } from '@hailstream/events/live';
import { useEffect } from 'react';
import type { TripRef } from '../city-state/waiting-riders.js';
import { useDashboard } from '../dashboard.js';
import { formatClock, formatDuration, formatPlace, shortId, UNKNOWN } from '../format.js';
import { RiderSwatch } from '../marks/mark-swatch.js';
import { useNavigation } from '../navigation.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { CardFrame, Fact } from './card-frame.js';
import { t } from '../locale/text.js';

const REFRESH_EVERY_MS = 2_000;

type Trip = SearchResult & { kind: 'trip' };

/** A trip: how long its rider has waited, from where to where, and its vehicle. */
export function TripCard({ trip }: { trip: TripRef }) {
  const { city } = useDashboard();
  const { openTrip } = useNavigation();
  const { tripId, providerId } = trip;
  const query = new URLSearchParams({ q: tripId, provider_id: providerId, limit: '5' });
  const { body, failure } = useRequest<SearchResults>(`/search?${query}`, REFRESH_EVERY_MS);
  const found = body?.results.find(
    (result): result is Trip => result.kind === 'trip' && result.trip_id === tripId,
  );
  useEffect(() => {
    city.tripDetail.set(found ?? null);
    return () => city.tripDetail.set(null);
  }, [city, found]);
  return (
    <CardFrame
      kind={t('card.trip')}
      name={shortId(tripId)}
      ids={[tripId, t('card.provider', { id: providerId })]}
      testId="trip-card"
      onClose={() => city.trip.set(null)}
    >
      <p className="card-more">
        <button type="button" className="link-button" onClick={() => openTrip(trip)}>
          {t('card.openTrip')}
        </button>
      </p>
      {failure !== null && <p className="card-nothing">{t('failed.it', { reason: failure })}</p>}
      {found === undefined ? (
        failure === null && (
          <p className="card-nothing">{t(body === null ? 'common.loading' : 'card.noSuchTrip')}</p>
        )
      ) : (
        <TripFacts trip={found} />
      )}
    </CardFrame>
  );
}

function TripFacts({ trip }: { trip: Trip }) {
  const { city } = useDashboard();
  const tick = useStore(useStore(city.shown).tick);
  const { stage, requested_at: requestedAt, device_id: deviceId, provider_id: providerId } = trip;
  const isWaiting = stage === 'requested';
  return (
    <div className="card-body" tabIndex={0}>
      <p className="card-state">
        <RiderSwatch size={26} />
        <strong>{isWaiting ? t('rider.waiting') : t(`stage.${stage ?? 'unknown'}`)}</strong>
        <span className="card-since" data-testid="wait">
          {isWaiting &&
            requestedAt !== null &&
            tick !== null &&
            t('card.since', {
              duration: formatDuration(tick.asOf - requestedAt),
              time: formatClock(requestedAt),
            })}
        </span>
      </p>
      <dl className="card-figures">
        <Fact label={t('card.requested')} value={requestedAt === null ? UNKNOWN : formatClock(requestedAt)} />
        <Fact
          label={t('card.vehicle')}
          value={
            deviceId === null ? (
              UNKNOWN
            ) : (
              <button
                type="button"
                className="link-button"
                onClick={() => city.select({ deviceId, providerId })}
              >
                {shortId(deviceId)}
              </button>
            )
          }
        />
        <Fact label={t('card.pickup')} value={trip.pickup === null ? UNKNOWN : formatPlace(trip.pickup)} />
        <Fact
          label={t('card.destination')}
          value={trip.destination === null ? UNKNOWN : formatPlace(trip.destination)}
        />
      </dl>
    </div>
  );
}
