import '../lists/lists.css';
import './trips.css';
import { plural, t } from '../locale/text.js';
import type { TripList, TripSummary } from '@hailstream/events/live';
import { type ReactNode, useId } from 'react';
import { stageFilters, type StageFilter } from '../address/address.js';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDuration, formatMoment, shortId, UNKNOWN } from '../format.js';
import { ListRows, ListSearch, ListView } from '../lists/list-view.js';
import { useShortcuts } from '../shortcuts.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { useNavigation } from '../navigation.js';
import { TimeField } from './time-field.js';
import { UnreadableNote } from './unreadable-note.js';
import { stageWords } from './words.js';

const PAGE_TRIPS = 50;
const REFRESH_EVERY_MS = 5_000;

/** Trips now and past, the latest first. */
export function TripsView() {
  const { view } = useDashboard();
  const path = usePath();
  const page = useStore(view.tripsPage);
  const { body, failure } = useRequest<TripList>(path, page === 0 ? REFRESH_EVERY_MS : null);
  useShortcuts({ close: () => view.page.set('map') });
  return (
    <ListView
      title={t('trips.title')}
      testId="trips"
      total={body === null ? (failure === null ? t('trips.loading') : '') : totalWords(body)}
      failure={failure === null ? null : t('trips.failed', { reason: failure })}
      note={body !== null && <UnreadableNote of="unreadable.records" count={body.unreadable_records} />}
      controls={<Filters />}
    >
      <ListRows label={t('trips.list')}>
        {body === null && failure === null && <Skeleton />}
        {body?.total === 0 && <NoTrips earliest={body.earliest} />}
        {body !== null && body.count > 0 && <Rows trips={body.trips} />}
      </ListRows>
      {body !== null && body.total > PAGE_TRIPS && <Pages list={body} />}
    </ListView>
  );
}

function usePath(): string {
  const { city, view } = useDashboard();
  const parameters = new URLSearchParams({ limit: String(PAGE_TRIPS) });
  const given = {
    q: useStore(view.tripText).trim(),
    provider_id: useStore(city.provider),
    stage: useStore(view.stage),
    from: isoOf(useStore(view.from)),
    to: isoOf(useStore(view.to)),
    offset: String(useStore(view.tripsPage) * PAGE_TRIPS),
  };
  for (const [name, value] of Object.entries(given)) if (value) parameters.set(name, value);
  return `/trips?${parameters}`;
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

function Filters() {
  const { city, view } = useDashboard();
  const text = useStore(view.tripText);
  const stage = useStore(view.stage);
  const providers = useStore(city.providers);
  const provider = useStore(city.provider);
  const change = <T,>(store: { set: (value: T) => void }, value: T): void => {
    store.set(value);
    view.tripsPage.set(0);
  };
  return (
    <div className="trips-filters">
      <ListSearch
        label={t('trips.searchLabel')}
        placeholder={t('trips.search')}
        maxLength={100}
        value={text}
        onChange={(value) => change(view.tripText, value)}
      />
      <Choice
        label={t('trips.stage')}
        value={stage}
        onChange={(value) => change(view.stage, value as StageFilter | '')}
      >
        <option value="">{t('trips.allStages')}</option>
        {stageFilters.map((each) => (
          <option key={each} value={each}>
            {stageWords({ stage: each, cancelled_by: null })}
          </option>
        ))}
      </Choice>
      <Choice
        label={t('trips.provider')}
        value={provider ?? ''}
        onChange={(value) => change(city.provider, value === '' ? null : value)}
      >
        <option value="">{t('trips.allProviders')}</option>
        {[
          ...new Set([
            ...providers.map(({ provider_id: id }) => id),
            ...(provider === null ? [] : [provider]),
          ]),
        ].map((id) => (
          <option key={id} value={id}>
            {shortId(id)}
          </option>
        ))}
      </Choice>
      <TimeField label={t('trips.from')} at={useStore(view.from)} onChange={(at) => change(view.from, at)} />
      <TimeField label={t('trips.to')} at={useStore(view.to)} onChange={(at) => change(view.to, at)} />
    </div>
  );
}

function Choice(props: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ReactNode;
}) {
  const { label, value, onChange, children } = props;
  return (
    <select
      className="trips-field"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    >
      {children}
    </select>
  );
}

function totalWords({ total, is_cut: isCut, earliest, asOf }: TripList): string {
  const trips = plural('trips.count', total);
  const known =
    earliest === null ? trips : t('trips.knownSince', { trips, time: formatMoment(earliest, asOf) });
  return isCut ? t('trips.cut', { trips: known }) : known;
}

function NoTrips({ earliest }: { earliest: number | null }) {
  const { city, view } = useDashboard();
  const isFiltered = [view.tripText.get(), view.stage.get()].some((value) => value !== '');
  const isNarrowed =
    isFiltered || [view.from.get(), view.to.get(), city.provider.get()].some((value) => value !== null);
  const clear = (): void => {
    view.tripText.set('');
    view.stage.set('');
    view.from.set(null);
    view.to.set(null);
    city.provider.set(null);
  };
  return (
    <p className="list-empty" data-testid="no-trips">
      {isNarrowed ? t('trips.noMatch') : t('trips.none')}
      {earliest !== null && ` ${t('trips.since', { time: formatMoment(earliest, Date.now()) })}`}{' '}
      {isNarrowed && (
        <button type="button" className="link-button" onClick={clear}>
          {t('trips.showAll')}
        </button>
      )}
    </p>
  );
}

function Rows({ trips }: { trips: readonly TripSummary[] }) {
  return (
    <table className="list-table trips-table" data-testid="trips-table">
      <thead>
        <tr>
          <th scope="col">{t('trips.began')}</th>
          <th scope="col">{t('trips.trip')}</th>
          <th scope="col">{t('trips.stage')}</th>
          <th scope="col" className="trips-wide">
            {t('trips.vehicle')}
          </th>
          <th scope="col" className="trips-wide">
            {t('trips.provider')}
          </th>
          <th scope="col" className="trips-medium">
            {t('trips.wait')}
          </th>
          <th scope="col">{t('trips.ride')}</th>
          <th scope="col" className="trips-medium">
            {t('trips.report')}
          </th>
        </tr>
      </thead>
      <tbody>
        {trips.map((trip) => (
          <Row key={`${trip.provider_id}/${trip.trip_id}`} trip={trip} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ trip }: { trip: TripSummary }) {
  const { openTrip, openVehicle } = useNavigation();
  const { trip_id: tripId, provider_id: providerId, device_id: deviceId } = trip;
  const { requested_at: requestedAt, started_at: startedAt, ended_at: endedAt } = trip;
  const open = (): void => openTrip({ tripId, providerId });
  return (
    <tr onClick={open}>
      <td>{formatMoment(trip.began_at, Date.now())}</td>
      <td>
        <button type="button" className="link-button" title={tripId} onClick={open}>
          {shortId(tripId)}
        </button>
      </td>
      <td>{stageWords(trip)}</td>
      <td className="trips-wide">
        {deviceId === null ? (
          UNKNOWN
        ) : (
          <button
            type="button"
            className="link-button"
            title={deviceId}
            onClick={(event) => {
              event.stopPropagation();
              openVehicle({ deviceId, providerId });
            }}
          >
            {shortId(deviceId)}
          </button>
        )}
      </td>
      <td className="trips-wide" title={providerId}>
        {shortId(providerId)}
      </td>
      <td className="trips-medium">{durationOf(requestedAt, startedAt)}</td>
      <td>{trip.stage === 'ended' ? durationOf(startedAt, endedAt) : UNKNOWN}</td>
      <td className="trips-medium">
        {trip.is_reported ? t('trips.reported') : trip.stage === 'ended' ? t('trips.missing') : UNKNOWN}
      </td>
    </tr>
  );
}

function durationOf(from: number | null, to: number | null): string {
  return from === null || to === null ? UNKNOWN : formatDuration(to - from);
}

function Pages({ list }: { list: TripList }) {
  const { view } = useDashboard();
  const id = useId();
  const page = useStore(view.tripsPage);
  const { offset, count, total } = list;
  return (
    <nav className="trips-pages" aria-labelledby={id}>
      <span id={id} className="trips-shown">
        {shownWords(list)}
      </span>
      <button
        type="button"
        className="link-button"
        disabled={page === 0}
        onClick={() => view.tripsPage.set(page - 1)}
      >
        {t('trips.later')}
      </button>
      <button
        type="button"
        className="link-button"
        disabled={offset + count >= total}
        onClick={() => view.tripsPage.set(page + 1)}
      >
        {t('trips.earlier')}
      </button>
    </nav>
  );
}

function shownWords({ offset, count, total: all }: TripList): string {
  const total = formatCount(all);
  if (count === 0) return t('trips.shownNone', { total });
  return t('trips.shown', { from: formatCount(offset + 1), to: formatCount(offset + count), total });
}

function Skeleton() {
  return (
    <div className="trips-skeleton" aria-hidden="true">
      {Array.from({ length: 8 }, (_, index) => (
        <span key={index} />
      ))}
    </div>
  );
}
