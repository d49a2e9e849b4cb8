import './watchlists.css';
import type { SpeedingList, StillnessList } from '@hailstream/events/live';
import { useState } from 'react';
import { isOnMap, toDrawnState } from '../city-state/drawn-state.js';
import { Segments } from '../controls/segments.js';
import { useDashboard } from '../dashboard.js';
import { Choice } from '../controls/choice.js';
import { formatClock, formatCount, formatDuration, formatSpeed, shortId } from '../format.js';
import { useMomentQuery } from '../use-moment-query.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { SPEED_LIMITS, stillMinutes, stillStates } from '../address/choices.js';
import { t } from '../locale/text.js';

const REFRESH_EVERY_MS = 3_000;

/** Vehicles per page. */
const PAGE_SIZE = 10;

const lists = [
  ['none', 'Off'],
  ['speeding', 'Speeding'],
  ['still', 'Still'],
] as const;

/** Vehicles that are fast, and vehicles that stand still. */
export function WatchlistSection() {
  const { view } = useDashboard();
  const list = useStore(view.list);
  return (
    <section className="panel-section watchlist" aria-labelledby="watchlist-heading" data-testid="watchlist">
      <div className="panel-heading">
        <h2 id="watchlist-heading">Watch</h2>
        <Segments
          label="Vehicles to watch"
          value={list}
          options={lists}
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
      <label className="choice field">
        <span>Faster than, km/h</span>
        <input
          type="number"
          min={SPEED_LIMITS.minimum}
          max={SPEED_LIMITS.maximum}
          step={5}
          value={over}
          onChange={(event) => {
            const limit = event.target.valueAsNumber;
            if (limit >= SPEED_LIMITS.minimum && limit <= SPEED_LIMITS.maximum) {
              view.speedLimit.set(Math.round(limit));
            }
          }}
        />
      </label>
      <Choice
        label="Time"
        value={window}
        isActive={false}
        options={[
          ['now', 'Now'],
          ['hour', 'Within the last hour'],
        ]}
        onChange={(value) => view.speedWindow.set(value === 'hour' ? 'hour' : 'now')}
      />
      <Listed
        body={body}
        failure={failure}
        nothing={`No vehicle ${window === 'now' ? 'is' : 'was'} faster than ${over} km/h.`}
        offset={offset}
        onPage={setOffset}
        rowOf={(vehicle) => ({ figure: formatSpeed(vehicle.speed), about: `at ${formatClock(vehicle.at)}` })}
      />
    </>
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
  const words = { all: 'All states', on_trip: 'With riders', available: 'Available' } as const;
  const offered: readonly number[] = stillMinutes.some((each) => each === minutes)
    ? stillMinutes
    : [...stillMinutes, minutes];
  return (
    <>
      <Choice
        label="Not moved for"
        value={String(minutes)}
        isActive={false}
        options={offered.map((each) => [String(each), `${each} minutes`] as const)}
        onChange={(value) => view.stillMinutes.set(Number(value))}
      />
      <Choice
        label="State"
        value={state}
        isActive={state !== 'all'}
        options={stillStates.map((each) => [each, words[each] + countOf(each)] as const)}
        onChange={(value) => view.stillState.set(stillStates.find((each) => each === value) ?? 'all')}
      />
      <Listed
        body={body}
        failure={failure}
        nothing={`No vehicle has been within 50 m for ${minutes} minutes.`}
        offset={offset}
        onPage={setOffset}
        rowOf={(vehicle) => ({
          figure: formatDuration((body?.asOf ?? 0) - vehicle.still_since),
          about: `since ${formatClock(vehicle.still_since)}`,
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
        {failure === null ? 'Loading the list' : `The list cannot be loaded: ${failure}.`}
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
                title={`Device ${deviceId}, provider ${providerId}`}
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
        {formatCount(offset + 1)} to {formatCount(last)} of {formatCount(total)}
      </span>
      <button
        type="button"
        className="link-button"
        disabled={offset === 0}
        onClick={() => onPage(Math.max(0, offset - PAGE_SIZE))}
      >
        Previous
      </button>
      <button
        type="button"
        className="link-button"
        disabled={last >= total}
        onClick={() => onPage(offset + PAGE_SIZE)}
      >
        Next
      </button>
    </div>
  );
}
