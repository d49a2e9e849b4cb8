import './watchlists.css';
import type { SpeedingList, StillnessList } from '@hailstream/events/live';
import { useState } from 'react';
import { isOnMap, toDrawnState } from '../city-state/drawn-state.js';
import { Segments } from '../controls/segments.js';
import { useDashboard } from '../dashboard.js';
import { Choice } from '../controls/choice.js';
import {
  formatClock,
  formatCount,
  formatDistance,
  formatDuration,
  formatSpeed,
  fromShownSpeed,
  shortId,
  toShownSpeed,
} from '../format.js';
import { useMomentQuery } from '../use-moment-query.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { listChoices, SPEED_LIMITS, stillMinutes, stillStates } from '../address/choices.js';
import { locale } from '../locale/locale.js';
import { plural, t } from '../locale/text.js';

const REFRESH_EVERY_MS = 3_000;

/** Vehicles per page. */
const PAGE_SIZE = 10;

/** A vehicle that stays within this distance stands still. */
const STILL_METERS = 50;

/** In metres per second. */
const KILOMETER_PER_HOUR = 1_000 / 3_600;

/** Vehicles that are fast, and vehicles that stand still. */
export function WatchlistSection() {
  const { view } = useDashboard();
  const list = useStore(view.list);
  return (
    <section className="panel-section watchlist" aria-labelledby="watchlist-heading" data-testid="watchlist">
      <div className="panel-heading">
        <h2 id="watchlist-heading">{t('watch.title')}</h2>
        <Segments
          label={t('watch.list')}
          value={list}
          options={listChoices.map((each) => [each, t(`watch.list.${each}`)] as const)}
          onChange={(value) => view.list.set(value)}
        />
      </div>
      {list === 'speeding' && <Speeding />}
      {list === 'still' && <Still />}
    </section>
  );
}

function Speeding() {
  const { view } = useDashboard();
  const over = useStore(view.speedLimit);
  const window = useStore(view.speedWindow);
  const { offset, setOffset, body, failure } = useList<SpeedingList>('speeding', {
    over_kmh: String(over),
    window,
  });
  return (
    <>
      <SpeedField />
      <Choice
        label={t('watch.time')}
        value={window}
        isActive={false}
        options={[
          ['now', t('watch.time.now')],
          ['hour', t('watch.time.hour')],
        ]}
        onChange={(value) => view.speedWindow.set(value === 'hour' ? 'hour' : 'now')}
      />
      <Listed
        body={body}
        failure={failure}
        nothing={t(window === 'now' ? 'watch.noneFast' : 'watch.noneWasFast', {
          speed: formatSpeed(over * KILOMETER_PER_HOUR),
        })}
        offset={offset}
        onPage={setOffset}
        rowOf={(vehicle) => ({
          figure: formatSpeed(vehicle.speed),
          about: t('watch.at', { time: formatClock(vehicle.at) }),
        })}
      />
    </>
  );
}

/** The speed above which vehicles are listed, in the unit of the page. */
function SpeedField() {
  const { view } = useDashboard();
  const over = useStore(view.speedLimit);
  const { minimum, maximum } = SPEED_LIMITS;
  return (
    <label className="choice field">
      <span>{t(`watch.fasterThan.${locale.get().units}`)}</span>
      <input
        type="number"
        min={Math.max(1, toShownSpeed(minimum))}
        max={toShownSpeed(maximum)}
        step={5}
        value={toShownSpeed(over)}
        onChange={(event) => {
          const limit = fromShownSpeed(event.target.valueAsNumber);
          if (limit >= minimum && limit <= maximum) view.speedLimit.set(limit);
        }}
      />
    </label>
  );
}

function Still() {
  const { view } = useDashboard();
  const minutes = useStore(view.stillMinutes);
  const state = useStore(view.stillState);
  const { offset, setOffset, body, failure } = useList<StillnessList>('stillness', {
    minutes: String(minutes),
    ...(state !== 'all' && { state: state === 'on_trip' ? 'on_trip,stopped' : 'available' }),
  });
  const countOf = (of: (typeof stillStates)[number]): string => {
    if (body === null) return '';
    const { byState } = body;
    const counts = {
      all: Object.values(byState).reduce((sum, count) => sum + count, 0),
      on_trip: (byState.on_trip ?? 0) + (byState.stopped ?? 0),
      available: byState.available ?? 0,
    };
    return ` (${formatCount(counts[of])})`;
  };
  const offered: readonly number[] = stillMinutes.some((each) => each === minutes)
    ? stillMinutes
    : [...stillMinutes, minutes];
  return (
    <>
      <Choice
        label={t('watch.notMoved')}
        value={String(minutes)}
        isActive={false}
        options={offered.map((each) => [String(each), plural('minutes', each)] as const)}
        onChange={(value) => view.stillMinutes.set(Number(value))}
      />
      <Choice
        label={t('watch.state')}
        value={state}
        isActive={state !== 'all'}
        options={stillStates.map((each) => [each, t(`watch.state.${each}`) + countOf(each)] as const)}
        onChange={(value) => view.stillState.set(stillStates.find((each) => each === value) ?? 'all')}
      />
      <Listed
        body={body}
        failure={failure}
        nothing={t('watch.noneStill', {
          distance: formatDistance(STILL_METERS),
          minutes: plural('minutes', minutes),
        })}
        offset={offset}
        onPage={setOffset}
        rowOf={(vehicle) => ({
          figure: formatDuration((body?.asOf ?? 0) - vehicle.still_since),
          about: t('watch.since', { time: formatClock(vehicle.still_since) }),
        })}
      />
    </>
  );
}

type ListBody = SpeedingList | StillnessList;

/** A page of a list, which starts over when what is listed changes. */
function useList<T extends ListBody>(path: string, query: Readonly<Record<string, string>>) {
  const { city } = useDashboard();
  const provider = useStore(city.provider);
  const moment = useMomentQuery();
  const parameters = new URLSearchParams(query);
  if (provider !== null) parameters.set('provider_id', provider);
  const listed = String(parameters);
  const [page, setPage] = useState({ listed, offset: 0 });
  const offset = page.listed === listed ? page.offset : 0;
  const { body, failure } = useRequest<T>(
    `/${path}?${listed}&limit=${PAGE_SIZE}&offset=${offset}${moment}`,
    moment === '' ? REFRESH_EVERY_MS : null,
  );
  return { offset, setOffset: (next: number) => setPage({ listed, offset: next }), body, failure };
}

function Listed<T extends ListBody>(props: {
  body: T | null;
  failure: string | null;
  nothing: string;
  offset: number;
  onPage: (offset: number) => void;
  rowOf: (vehicle: T['vehicles'][number]) => { figure: string; about: string };
}) {
  const { body, failure, nothing, offset, onPage, rowOf } = props;
  const { city, theme } = useDashboard();
  const painted = useStore(theme.theme);
  if (body === null) {
    return (
      <p className="watchlist-note">
        {failure === null ? t('watch.loading') : t('watch.failed', { reason: failure })}
      </p>
    );
  }
  if (body.total === 0) return <p className="watchlist-note">{nothing}</p>;
  return (
    <>
      <ul className="watchlist-rows">
        {body.vehicles.map((vehicle: T['vehicles'][number]) => {
          const { device_id: deviceId, provider_id: providerId, lat, lng } = vehicle;
          const state = toDrawnState(vehicle.vehicle_state);
          const { figure, about } = rowOf(vehicle);
          return (
            <li key={`${providerId} ${deviceId}`}>
              <button
                type="button"
                title={t('table.title', { device: deviceId, provider: providerId })}
                onClick={() => {
                  city.select({ deviceId, providerId });
                  city.toReveal.set(null);
                  city.placeToReveal.set({ lat, lng });
                }}
              >
                {isOnMap(state) ? <MarkSwatch state={state} theme={painted} size={18} /> : <span />}
                <span className="watchlist-id">{shortId(deviceId)}</span>
                <span className="watchlist-about">
                  {t(`state.${state}`).toLowerCase()}, {about}
                </span>
                <strong>{figure}</strong>
              </button>
            </li>
          );
        })}
      </ul>
      <Pages total={body.total} offset={offset} count={body.vehicles.length} onPage={onPage} />
    </>
  );
}

function Pages(props: { total: number; offset: number; count: number; onPage: (offset: number) => void }) {
  const { total, offset, count, onPage } = props;
  const last = Math.min(total, offset + count);
  return (
    <div className="watchlist-pages">
      <span data-testid="watchlist-total">
        {t('watch.shown', {
          from: formatCount(offset + 1),
          to: formatCount(last),
          total: formatCount(total),
        })}
      </span>
      <button
        type="button"
        className="link-button"
        disabled={offset === 0}
        onClick={() => onPage(Math.max(0, offset - PAGE_SIZE))}
      >
        {t('watch.previous')}
      </button>
      <button
        type="button"
        className="link-button"
        disabled={last >= total}
        onClick={() => onPage(offset + PAGE_SIZE)}
      >
        {t('watch.next')}
      </button>
    </div>
  );
}
