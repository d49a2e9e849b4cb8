import '../controls/page-button.css';
import type { MessageKey } from '../messages/messages.js';
import { t, textOf } from '../locale/text.js';
import type { TripEvent, TripPage as Trip, TripRoute, TripWaits, VehicleRef } from '@hailstream/events/live';
import { useEffect } from 'react';
import { Fact } from '../card/card-frame.js';
import type { TripRef } from '../city-state/waiting-riders.js';
import { useDashboard } from '../dashboard.js';
import {
  formatClock,
  formatDistance,
  formatDuration,
  formatMoment,
  formatPlace,
  formatSpeed,
  shortId,
  UNKNOWN,
} from '../format.js';
import { ClockIcon } from '../icons.js';
import { FASTEST_SHOWN, speedGradient } from '../map/speed-ramp.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { dayOf } from './day.js';
import { useNavigation } from '../navigation.js';
import { PageFrame } from './page-frame.js';
import { colorOfState, labelOfState, SpanBand } from './span-band.js';
import { TripReport } from './trip-report.js';
import { UnreadableNote } from './unreadable-note.js';
import { stageWords } from './words.js';

/** How often a trip that is under way is requested again. */
const REFRESH_EVERY_MS = 5_000;

/** A trip: its route on the map, its stages, events and waits, and what the operator reported. */
export function TripPage({ trip }: { trip: TripRef }) {
  const { city } = useDashboard();
  const { leave, openVehicle } = useNavigation();
  const { tripId, providerId } = trip;
  const path = `/trips/${tripId}`;
  const query = `?provider_id=${providerId}`;
  const { body, failure, status } = useRefreshed<Trip>(path + query, ({ trip: { stage } }) => {
    return stage !== 'ended' && stage !== 'cancelled';
  });
  const isUnderWay = body !== null && body.trip.ended_at === null;
  const route = useRequest<TripRoute>(`${path}/route${query}`, isUnderWay ? REFRESH_EVERY_MS : null);
  useEffect(() => {
    city.route.set(body === null || route.body === null ? null : { trip: body, route: route.body });
  }, [city, body, route.body]);
  useEffect(() => () => city.route.set(null), [city]);
  const deviceId = body?.trip.device_id ?? null;
  const vehicle = deviceId === null ? null : { deviceId, providerId };
  return (
    <PageFrame
      kind={t('trips.trip')}
      id={tripId}
      providerId={providerId}
      testId="trip-page"
      onClose={leave}
      state={{ isLoading: body === null, failure, isUnknown: status === 404 }}
      unknown={t('trip.unknown')}
      isNarrow
    >
      {body !== null && (
        <>
          <UnreadableNote
            of="unreadable.records"
            count={Math.max(body.unreadable_records, route.body?.unreadable_records ?? 0)}
          />
          <Facts trip={body} vehicle={vehicle} onVehicle={openVehicle} />
          <Stages trip={body} vehicle={vehicle} />
          <Route route={route.body} failure={route.failure} />
          <TripReport trip={body} />
          <Events events={body.events} vehicle={vehicle} now={body.asOf} />
        </>
      )}
    </PageFrame>
  );
}

/** A response that is requested again while it may change. */
function useRefreshed<T>(path: string, mayChange: (body: T) => boolean) {
  const once = useRequest<T>(path, null);
  const again = useRequest<T>(once.body !== null && mayChange(once.body) ? path : null, REFRESH_EVERY_MS);
  return again.body === null ? once : again;
}

function Facts(props: {
  trip: Trip;
  vehicle: VehicleRef | null;
  onVehicle: (vehicle: VehicleRef, day: string | null) => void;
}) {
  const { trip, vehicle, onVehicle } = props;
  const { showMoment } = useNavigation();
  const at = trip.trip.started_at ?? trip.trip.began_at;
  return (
    <section className="page-section" aria-label={t('trips.trip')}>
      <p className="page-lead">
        <strong data-testid="trip-stage">{stageWords(trip.trip)}</strong>
        <span>{formatMoment(trip.trip.began_at, trip.asOf)}</span>
        <button type="button" className="page-button" onClick={() => showMoment(at, vehicle)}>
          <ClockIcon />
          {t('trip.showMoment')}
        </button>
      </p>
      <dl className="page-facts">
        <Fact
          label={t('trips.vehicle')}
          value={
            vehicle === null ? (
              UNKNOWN
            ) : (
              <button
                type="button"
                className="link-button"
                title={vehicle.deviceId}
                onClick={() => onVehicle(vehicle, dayOf(at))}
              >
                {t('trip.itsDay', { vehicle: shortId(vehicle.deviceId) })}
              </button>
            )
          }
        />
        <Fact
          label={t('trip.rider')}
          value={
            trip.rider_id === null ? UNKNOWN : <span title={trip.rider_id}>{shortId(trip.rider_id)}</span>
          }
        />
        <Fact label={t('trip.request')} value={placeWords(trip.request?.location)} />
        <Fact label={t('trip.destination')} value={placeWords(trip.destination)} />
        <Fact label={t('trip.pickup')} value={placeWords(trip.pickup?.location)} />
        <Fact label={t('trip.dropoff')} value={placeWords(trip.dropoff?.location)} />
      </dl>
    </section>
  );
}

function placeWords(place: { readonly lat: number; readonly lng: number } | null | undefined): string {
  return place ? formatPlace(place) : UNKNOWN;
}

const waitLabels: readonly (readonly [keyof TripWaits, MessageKey])[] = [
  ['assignment_ms', 'trip.assignment'],
  ['approach_ms', 'trip.approach'],
  ['boarding_ms', 'trip.boarding'],
  ['pickup_ms', 'trip.waited'],
  ['ride_ms', 'trips.ride'],
];

function Stages({ trip, vehicle }: { trip: Trip; vehicle: VehicleRef | null }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  const { showMoment } = useNavigation();
  const first = trip.stages[0];
  const from = first?.from ?? trip.trip.began_at;
  const to = trip.trip.ended_at ?? trip.asOf;
  const parts = trip.stages.map((span) => {
    const end = span.to ?? trip.asOf;
    const words = t('trip.span', {
      name: labelOfState(span.stage),
      from: formatClock(span.from),
      to: formatClock(end),
      duration: formatDuration(end - span.from),
    });
    return { from: span.from, to: end, color: colorOfState(span.stage, painted), words };
  });
  return (
    <section className="page-section" aria-label={t('trip.stages')}>
      <h3>{t('trip.stages')}</h3>
      {parts.length === 0 ? (
        <p className="page-none">{t('trip.noStages')}</p>
      ) : (
        <>
          <SpanBand
            label={`${t('trip.stages')}: ${parts.map(({ words }) => words).join('; ')}`}
            from={from}
            to={Math.max(to, from + 1)}
            parts={parts}
            onPick={(at) => showMoment(at, vehicle)}
          />
          <p className="band-ends">
            <span>{formatClock(from)}</span>
            <span>{trip.trip.ended_at === null ? t('trip.now') : formatClock(to)}</span>
          </p>
          <ul className="page-legend">
            {parts.map(({ words, color, from: key }) => (
              <li key={`${key} ${words}`}>
                <span className="page-swatch" style={{ backgroundColor: color }} />
                {words}
              </li>
            ))}
          </ul>
        </>
      )}
      <dl className="page-facts" data-testid="trip-waits">
        {waitLabels.map(([name, label]) => {
          const ms = trip.waits[name];
          return <Fact key={name} label={textOf(label)} value={ms === null ? UNKNOWN : formatDuration(ms)} />;
        })}
      </dl>
    </section>
  );
}

function Route({ route, failure }: { route: TripRoute | null; failure: string | null }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  return (
    <section className="page-section" aria-label={t('trip.route')} data-testid="trip-route">
      <h3>{t('trip.route')}</h3>
      {failure !== null && <p className="list-failure">{t('trip.routeFailed', { reason: failure })}</p>}
      {route === null && failure === null && <p className="page-none">{t('trip.routeLoading')}</p>}
      {route !== null && route.point_count === 0 && <p className="page-none">{t('trip.noTelemetry')}</p>}
      {route !== null && route.point_count > 0 && (
        <>
          <div className="card-ramp page-ramp">
            <span>0</span>
            <span className="card-ramp-colors" style={{ backgroundImage: speedGradient(painted) }} />
            <span>{formatSpeed(FASTEST_SHOWN)}</span>
          </div>
          <dl className="page-facts">
            <Fact label={t('trip.toPickup')} value={formatDistance(route.approach_meters)} />
            <Fact label={t('trips.ride')} value={formatDistance(route.ride_meters)} />
            <Fact label={t('trip.meanSpeed')} value={formatSpeed(route.mean_speed)} />
            <Fact label={t('trip.maxSpeed')} value={formatSpeed(route.max_speed)} />
          </dl>
          {route.gaps.map(({ from, to }) => (
            <p key={from} className="page-none">
              {t('trip.gap', {
                duration: formatDuration(to - from),
                from: formatClock(from),
                to: formatClock(to),
              })}
            </p>
          ))}
        </>
      )}
    </section>
  );
}

function Events(props: { events: readonly TripEvent[]; vehicle: VehicleRef | null; now: number }) {
  const { events, vehicle, now } = props;
  const { showMoment } = useNavigation();
  return (
    <section className="page-section" aria-label={t('trip.events')}>
      <h3>{t('trip.events')}</h3>
      {events.length === 0 && <p className="page-none">{t('trip.noEvents')}</p>}
      <ol className="page-events" data-testid="trip-events">
        {events.map((event) => (
          <li key={event.event_id}>
            <time dateTime={new Date(event.timestamp).toISOString()}>
              {formatMoment(event.timestamp, now)}
            </time>
            <span>
              {eventWords(event)}
              {event.received_at - event.timestamp > LATE_AFTER_MS && (
                <span className="page-late">
                  {' '}
                  {t('trip.late', { duration: formatDuration(event.received_at - event.timestamp) })}
                </span>
              )}
            </span>
            <button
              type="button"
              className="link-button"
              aria-label={t('trip.showTime', { time: formatClock(event.timestamp) })}
              onClick={() => showMoment(event.timestamp, vehicle)}
            >
              {t('trip.show')}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function eventWords(event: TripEvent): string {
  if (event.kind === 'vehicle') {
    return t('trip.vehicleEvent', {
      events: event.event_types.map((type) => textOf(`event.${type}`)).join(', '),
    });
  }
  const words = textOf(`event.${event.event_type}`);
  return event.rating === null
    ? t('trip.riderEvent', { event: words })
    : t('trip.rated', { event: words, rating: event.rating });
}

/** An event that was received this long after it happened is marked. */
const LATE_AFTER_MS = 60_000;
