import type { VehicleDetail, VehicleQuery } from '@hailstream/events/live';
import { useEffect, useState } from 'react';
import { isOnMap, toDrawnState } from '../city-state/drawn-state.js';
import { isVehicleRef, type Vehicle } from '../city-state/fleet.js';
import { useDashboard } from '../dashboard.js';
import {
  formatBattery,
  formatClock,
  formatDuration,
  formatHeading,
  formatPlace,
  formatSpeed,
  shortId,
  UNKNOWN,
} from '../format.js';
import { CardFrame, Fact } from './card-frame.js';
import { FASTEST_SHOWN, speedGradient } from '../map/speed-ramp.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useNavigation } from '../navigation.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { t } from '../locale/text.js';

/** Without an answer for this long, the service does not know the vehicle. */
const UNKNOWN_AFTER_MS = 4_000;

/** The details of one vehicle. */
export function VehicleCard({ selected }: { selected: VehicleQuery }) {
  const { city } = useDashboard();
  const contents = useStore(city.shown);
  const tick = useStore(contents.tick);
  const detail = useStore(contents.detail);
  const { deviceId } = selected;
  const vehicle = isVehicleRef(selected) ? contents.fleet.vehicle(selected) : undefined;
  const isPast = contents !== city.live;
  const isLate = useLater(UNKNOWN_AFTER_MS);
  const isAbsent = useStore(contents.lacksSelected);
  const isUnknown = detail === null && (isPast ? isAbsent : isLate);
  const { openVehicle } = useNavigation();
  const { providerId } = selected;
  return (
    <CardFrame
      kind={t('card.vehicle')}
      name={shortId(deviceId)}
      ids={[deviceId, ...(providerId === null ? [] : [t('card.provider', { id: providerId })])]}
      testId="vehicle-card"
      onClose={() => city.select(null)}
    >
      {isVehicleRef(selected) && (
        <p className="card-more">
          <button type="button" className="link-button" onClick={() => openVehicle(selected)}>
            {t('card.openDay')}
          </button>
        </p>
      )}
      {isUnknown && vehicle === undefined ? (
        <p className="card-nothing">{isPast ? t('card.nothingThen') : t('card.unknown')}</p>
      ) : (
        <>
          <FollowButton />
          <VehicleFacts vehicle={vehicle} detail={detail} now={tick?.asOf ?? null} />
        </>
      )}
    </CardFrame>
  );
}

/** Whether the map moves with the vehicle; moving the map by hand ends it. */
function FollowButton() {
  const { view } = useDashboard();
  const isFollowed = useStore(view.follow);
  return (
    <button
      type="button"
      className="card-follow"
      aria-pressed={isFollowed}
      title={`${t(isFollowed ? 'card.stopFollowing' : 'card.followOnMap')} (${keyOf('follow')})`}
      onClick={() => view.follow.set(!isFollowed)}
    >
      {t(isFollowed ? 'card.following' : 'card.follow')}
    </button>
  );
}

function VehicleFacts(props: {
  vehicle: Vehicle | undefined;
  detail: VehicleDetail | null;
  now: number | null;
}) {
  const { vehicle, detail, now } = props;
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  const state = detail === null ? (vehicle?.state ?? 'unknown') : toDrawnState(detail.vehicle_state);
  const location = detail?.location ?? vehicle;
  const contact = detail?.contact ?? vehicle?.contact ?? 'live';
  const since = detail?.state_since ?? null;
  return (
    <div className="card-body" role="group" aria-label={t('card.details')} tabIndex={0}>
      <p className="card-state">
        {isOnMap(state) && <MarkSwatch state={state} theme={painted} size={26} />}
        <strong>{t(`state.${state}`)}</strong>
        <span className="card-since">
          {since !== null &&
            now !== null &&
            t('card.since', { duration: formatDuration(now - since), time: formatClock(since) })}
        </span>
      </p>
      {contact !== 'live' && (
        <p className="card-contact" data-contact={contact}>
          {t(contact === 'stale' ? 'card.stale' : 'card.silent')}
        </p>
      )}
      <dl className="card-figures">
        <Fact
          label={t('card.speed')}
          value={formatSpeed(vehicle?.speed ?? detail?.location?.speed ?? null)}
        />
        <Fact
          label={t('card.heading')}
          value={formatHeading(vehicle?.heading ?? detail?.location?.heading ?? null)}
        />
        <Fact label={t('card.battery')} value={formatBattery(detail?.battery_percent ?? null)} />
        <Fact label={t('card.position')} value={location ? formatPlace(location) : UNKNOWN} />
        <Fact
          label={t('card.positionAt')}
          value={detail?.located_at ? formatClock(detail.located_at) : UNKNOWN}
        />
      </dl>
      <TripFacts detail={detail} />
      <section className="card-section">
        <h3>{t('card.lastTen')}</h3>
        <div className="card-ramp">
          <span>0</span>
          <span className="card-ramp-colors" style={{ backgroundImage: speedGradient(painted) }} />
          <span>{formatSpeed(FASTEST_SHOWN)}</span>
        </div>
      </section>
      <VehicleEvents events={detail?.events ?? null} />
    </div>
  );
}

function TripFacts({ detail }: { detail: VehicleDetail | null }) {
  const { openTrip } = useNavigation();
  const trip = detail?.trip ?? null;
  const providerId = detail?.provider_id ?? '';
  return (
    <section className="card-section">
      <h3>{t('card.trip')}</h3>
      {trip === null ? (
        <p className="card-none">{detail === null ? '' : t('card.noTrip')}</p>
      ) : (
        <dl className="card-figures">
          <Fact
            label={t('card.trip')}
            value={
              <button
                type="button"
                className="link-button"
                onClick={() => openTrip({ tripId: trip.trip_id, providerId })}
              >
                {shortId(trip.trip_id)}
              </button>
            }
          />
          <Fact
            label={t('card.requested')}
            value={trip.requested_at ? formatClock(trip.requested_at) : UNKNOWN}
          />
          <Fact
            label={t('card.destination')}
            value={trip.destination ? formatPlace(trip.destination) : UNKNOWN}
          />
          <Fact
            label={t('card.rider')}
            value={trip.last_rider_event ? t(`event.${trip.last_rider_event}`) : UNKNOWN}
          />
        </dl>
      )}
    </section>
  );
}

/** The latest events of a vehicle, newest first; `null` while they are loading. */
function VehicleEvents({ events }: { events: VehicleDetail['events'] | null }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  return (
    <section className="card-section">
      <h3>{t('card.events')}</h3>
      {events?.length === 0 && <p className="card-none">{t('card.noEvents')}</p>}
      <ol className="card-events">
        {events?.map(({ event_types, vehicle_state, timestamp }) => (
          <li key={`${timestamp} ${event_types.join()}`}>
            <time dateTime={new Date(timestamp).toISOString()}>{formatClock(timestamp)}</time>
            {isOnMap(vehicle_state) && <MarkSwatch state={vehicle_state} theme={painted} size={16} />}
            <span>{event_types.map((type) => t(`event.${type}`)).join(', ')}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Whether this much time has passed since the component was mounted. */
function useLater(afterMs: number): boolean {
  const [isLater, setIsLater] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsLater(true), afterMs);
    return () => clearTimeout(timer);
  }, [afterMs]);
  return isLater;
}
