import './trips.css';
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
  inWords,
  shortId,
  UNKNOWN,
} from '../format.js';
import { ClockIcon } from '../icons.js';
import { speedGradient } from '../map/speed-ramp.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { dayOf } from './day.js';
import { useNavigation } from '../navigation.js';
import { PageFrame } from './page-frame.js';
import { colorOfState, labelOfState, SpanBand } from './span-band.js';
import { TripReport } from './trip-report.js';
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
      kind="Trip"
      id={tripId}
      providerId={providerId}
      testId="trip-page"
      onClose={leave}
      state={{ isLoading: body === null, failure, isUnknown: status === 404 }}
      unknown="The part of the log that is kept has no event of this trip. Check that the id is complete."
      isNarrow
    >
      {body !== null && (
        <>
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
    <section className="page-section" aria-label="Trip">
      <p className="page-lead">
        <strong data-testid="trip-stage">{stageWords(trip.trip)}</strong>
        <span>{formatMoment(trip.trip.began_at, trip.asOf)}</span>
        <button type="button" className="page-button" onClick={() => showMoment(at, vehicle)}>
          <ClockIcon />
          Show this moment
        </button>
      </p>
      <dl className="page-facts">
        <Fact
          label="Vehicle"
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
                {shortId(vehicle.deviceId)}, its day
              </button>
            )
          }
        />
        <Fact
          label="Rider"
          value={
            trip.rider_id === null ? UNKNOWN : <span title={trip.rider_id}>{shortId(trip.rider_id)}</span>
          }
        />
        <Fact label="Request" value={placeWords(trip.request?.location)} />
        <Fact label="Destination" value={placeWords(trip.destination)} />
        <Fact label="Pick-up" value={placeWords(trip.pickup?.location)} />
        <Fact label="Drop-off" value={placeWords(trip.dropoff?.location)} />
      </dl>
    </section>
  );
}

function placeWords(place: { readonly lat: number; readonly lng: number } | null | undefined): string {
  return place ? formatPlace(place) : UNKNOWN;
}

const waitLabels: readonly (readonly [keyof TripWaits, string])[] = [
  ['assignment_ms', 'Request to reservation'],
  ['approach_ms', 'Reservation to arrival'],
  ['boarding_ms', 'Arrival to pick-up'],
  ['pickup_ms', 'Rider waited'],
  ['ride_ms', 'Ride'],
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
    const words = `${labelOfState(span.stage)} ${formatClock(span.from)} to ${formatClock(end)}, ${formatDuration(end - span.from)}`;
    return { from: span.from, to: end, color: colorOfState(span.stage, painted), words };
  });
  return (
    <section className="page-section" aria-label="Stages">
      <h3>Stages</h3>
      {parts.length === 0 ? (
        <p className="page-none">No event of this trip has a stage.</p>
      ) : (
        <>
          <SpanBand
            label={`Stages: ${parts.map(({ words }) => words).join('; ')}`}
            from={from}
            to={Math.max(to, from + 1)}
            parts={parts}
            onPick={(at) => showMoment(at, vehicle)}
          />
          <p className="band-ends">
            <span>{formatClock(from)}</span>
            <span>{trip.trip.ended_at === null ? 'now' : formatClock(to)}</span>
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
          return <Fact key={name} label={label} value={ms === null ? UNKNOWN : formatDuration(ms)} />;
        })}
      </dl>
    </section>
  );
}

function Route({ route, failure }: { route: TripRoute | null; failure: string | null }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  return (
    <section className="page-section" aria-label="Route" data-testid="trip-route">
      <h3>Route</h3>
      {failure !== null && <p className="page-failure">The route cannot be loaded: {failure}.</p>}
      {route === null && failure === null && <p className="page-none">Loading</p>}
      {route !== null && route.point_count === 0 && (
        <p className="page-none">The log has no telemetry of the vehicle during this trip.</p>
      )}
      {route !== null && route.point_count > 0 && (
        <>
          <div className="card-ramp page-ramp">
            <span>0</span>
            <span className="card-ramp-colors" style={{ backgroundImage: speedGradient(painted) }} />
            <span>60 km/h</span>
          </div>
          <dl className="page-facts">
            <Fact label="To the pick-up" value={formatDistance(route.approach_meters)} />
            <Fact label="Ride" value={formatDistance(route.ride_meters)} />
            <Fact label="Mean speed" value={formatSpeed(route.mean_speed)} />
            <Fact label="Highest speed" value={formatSpeed(route.max_speed)} />
          </dl>
          {route.gaps.map(({ from, to }) => (
            <p key={from} className="page-none">
              No position for {formatDuration(to - from)}, {formatClock(from)} to {formatClock(to)}
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
    <section className="page-section" aria-label="Events">
      <h3>Events</h3>
      {events.length === 0 && <p className="page-none">No event of its vehicle or rider is known.</p>}
      <ol className="page-events" data-testid="trip-events">
        {events.map((event) => (
          <li key={event.event_id}>
            <time dateTime={new Date(event.timestamp).toISOString()}>
              {formatMoment(event.timestamp, now)}
            </time>
            <span>
              {event.kind === 'rider'
                ? `Rider: ${inWords(event.event_type)}${event.rating === null ? '' : `, ${event.rating} of 5`}`
                : `Vehicle: ${event.event_types.map(inWords).join(', ')}`}
              {event.received_at - event.timestamp > LATE_AFTER_MS && (
                <span className="page-late">
                  {' '}
                  received {formatDuration(event.received_at - event.timestamp)} later
                </span>
              )}
            </span>
            <button
              type="button"
              className="link-button"
              aria-label={`Show ${formatClock(event.timestamp)} on the map`}
              onClick={() => showMoment(event.timestamp, vehicle)}
            >
              Show
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** An event that was received this long after it happened is marked. */
const LATE_AFTER_MS = 60_000;
