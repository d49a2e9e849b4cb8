import '../controls/page-button.css';
import './day.css';
import { t } from '../locale/text.js';
import type { Period, VehicleQuery, VehicleTimeline } from '@hailstream/events/live';
import { Fact } from '../card/card-frame.js';
import { useDashboard } from '../dashboard.js';
import {
  formatClock,
  formatCount,
  formatDay,
  formatDistance,
  formatDuration,
  formatMoment,
  formatPlace,
  shortId,
} from '../format.js';
import { useStore } from '../store.js';
import type { Theme } from '../theme/theme.js';
import { useRequest } from '../use-request.js';
import { dayOf, shifted, startOf } from './day.js';
import { DayBands } from './day-bands.js';
import { useNavigation } from '../navigation.js';
import { PageFrame } from './page-frame.js';
import { colorOfState, labelOfState } from './span-band.js';
import { UnreadableNote } from './unreadable-note.js';
import { stageWords } from './words.js';

const DAY_MS = 86_400_000;
const REFRESH_EVERY_MS = 30_000;

/** A vehicle's day: its states, trips, times without contact and times in which it stood still. */
export function VehicleDay({ vehicle }: { vehicle: VehicleQuery }) {
  const { view } = useDashboard();
  const { leave } = useNavigation();
  const day = useStore(view.day);
  const { deviceId, providerId } = vehicle;
  const query = new URLSearchParams({
    ...(providerId !== null && { provider_id: providerId }),
    ...(day !== null && periodParameters(day)),
  });
  const isCurrent = day === null || day === dayOf(Date.now());
  const path = `/vehicles/${deviceId}/timeline?${query}`;
  const { body, failure, status } = useRequest<VehicleTimeline>(path, isCurrent ? REFRESH_EVERY_MS : null);
  const isShown = body !== null && isOf(body, day);
  return (
    <PageFrame
      kind={t('vehicle.title')}
      id={deviceId}
      providerId={providerId ?? body?.provider_id ?? null}
      testId="vehicle-page"
      onClose={leave}
      state={{ isLoading: !isShown, failure, isUnknown: status === 404 }}
      unknown={t('day.unknown')}
    >
      <DayChoice day={day} />
      {isShown && <Day timeline={body} />}
    </PageFrame>
  );
}

/** Whether a response is of the chosen day: that of another day is kept until the next one is received. */
function isOf(timeline: VehicleTimeline, day: string | null): boolean {
  return day === null ? timeline.to - timeline.from === DAY_MS : timeline.from === startOf(day);
}

function DayChoice({ day }: { day: string | null }) {
  const { view } = useDashboard();
  const today = dayOf(Date.now());
  const shown = day ?? today;
  return (
    <div className="day-choice" role="group" aria-label={t('day.day')}>
      <button type="button" className="page-button" onClick={() => view.day.set(shifted(shown, -1))}>
        {t('day.before')}
      </button>
      <strong data-testid="day">{day === null ? t('day.last') : formatDay(startOf(day))}</strong>
      <button
        type="button"
        className="page-button"
        disabled={day === null || day >= today}
        onClick={() => view.day.set(shifted(shown, 1))}
      >
        {t('day.after')}
      </button>
      {day !== null && (
        <button type="button" className="page-button" onClick={() => view.day.set(null)}>
          {t('day.last')}
        </button>
      )}
    </div>
  );
}

function Day({ timeline }: { timeline: VehicleTimeline }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  const { gaps, still, states } = timeline;
  const isEmpty = timeline.point_count === 0 && timeline.event_count === 0;
  return (
    <>
      {isEmpty && (
        <p className="page-none" data-testid="empty-day">
          {t('day.empty')}
          {timeline.earliest !== null &&
            ` ${t('day.knownSince', { time: formatMoment(timeline.earliest, timeline.asOf) })}`}
        </p>
      )}
      {timeline.telemetry_problem !== null && (
        <p className="page-note" role="status">
          {t('day.noTelemetry', { reason: timeline.telemetry_problem })}
        </p>
      )}
      <UnreadableNote of="unreadable.records" count={timeline.unreadable_records} />
      <DayBands timeline={timeline} />
      <section className="page-section" aria-label={t('day.sums')}>
        <dl className="page-facts">
          <Fact label={t('trips.title')} value={formatCount(timeline.trips.length)} />
          {timeline.telemetry_problem === null && (
            <>
              <Fact label={t('day.distance')} value={formatDistance(timeline.distance_meters)} />
              <Fact label={t('day.gaps')} value={sumOf(gaps)} />
              <Fact label={t('day.still')} value={sumOf(still)} />
            </>
          )}
          {sumsByState(states, painted).map(({ label, color, ms }) => (
            <Fact
              key={label}
              label={label}
              value={
                <>
                  <span className="page-swatch" style={{ backgroundColor: color }} />
                  {formatDuration(ms)}
                </>
              }
            />
          ))}
        </dl>
      </section>
      <div className="day-lists">
        <DayTrips timeline={timeline} />
        {timeline.telemetry_problem === null && (
          <>
            <Periods
              title={t('day.gaps')}
              none={t('day.noGaps', { duration: formatDuration(timeline.gap_after_ms) })}
              timeline={timeline}
              periods={gaps}
            />
            <Periods
              title={t('day.still')}
              none={t('day.noStill', { duration: formatDuration(timeline.still_after_ms) })}
              timeline={timeline}
              periods={still}
            />
          </>
        )}
      </div>
    </>
  );
}

function sumOf(periods: readonly Period[]): string {
  return formatDuration(periods.reduce((sum, { from, to }) => sum + to - from, 0));
}

function sumsByState(states: VehicleTimeline['states'], theme: Theme) {
  const sums = new Map<string, { label: string; color: string; ms: number }>();
  for (const { vehicle_state: state, from, to } of states) {
    const label = labelOfState(state);
    const sum = sums.get(label) ?? { label, color: colorOfState(state, theme), ms: 0 };
    sum.ms += to - from;
    sums.set(label, sum);
  }
  return [...sums.values()];
}

function DayTrips({ timeline }: { timeline: VehicleTimeline }) {
  const { openTrip } = useNavigation();
  return (
    <section className="page-section" aria-label={t('trips.title')}>
      <h3>{t('trips.title')}</h3>
      {timeline.trips.length === 0 && <p className="page-none">{t('day.noTrips')}</p>}
      <ol className="page-events" data-testid="day-trips">
        {timeline.trips.map((trip) => (
          <li key={trip.trip_id}>
            <time dateTime={new Date(trip.began_at).toISOString()}>{formatClock(trip.began_at)}</time>
            <span>{t('day.tripOf', { trip: shortId(trip.trip_id), stage: stageWords(trip) })}</span>
            <button
              type="button"
              className="link-button"
              aria-label={t('day.openTrip', { trip: shortId(trip.trip_id) })}
              onClick={() => openTrip({ tripId: trip.trip_id, providerId: trip.provider_id })}
            >
              {t('day.open')}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Periods(props: {
  title: string;
  none: string;
  timeline: VehicleTimeline;
  periods: readonly (Period & { readonly lat?: number; readonly lng?: number })[];
}) {
  const { title, none, timeline, periods } = props;
  const { showMoment } = useNavigation();
  const vehicle = { deviceId: timeline.device_id, providerId: timeline.provider_id };
  return (
    <section className="page-section" aria-label={title}>
      <h3>{title}</h3>
      {periods.length === 0 && <p className="page-none">{none}</p>}
      <ol className="page-events">
        {periods.map(({ from, to, lat, lng }) => (
          <li key={from}>
            <time dateTime={new Date(from).toISOString()}>{formatClock(from)}</time>
            <span>
              {lat === undefined || lng === undefined
                ? formatDuration(to - from)
                : t('day.at', { duration: formatDuration(to - from), place: formatPlace({ lat, lng }) })}
            </span>
            <button
              type="button"
              className="link-button"
              aria-label={t('trip.showTime', { time: formatClock(from) })}
              onClick={() => showMoment(from, vehicle)}
            >
              {t('trip.show')}
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function periodParameters(day: string): Record<string, string> {
  return {
    from: new Date(startOf(day)).toISOString(),
    to: new Date(startOf(shifted(day, 1))).toISOString(),
  };
}
