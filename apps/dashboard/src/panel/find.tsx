import type { SearchResult, SearchResults } from '@hailstream/events/live';
import { type KeyboardEvent, useEffect, useState } from 'react';
import type { CityState } from '../city-state/city-state.js';
import { isOnMap, toDrawnState } from '../city-state/drawn-state.js';
import { useDashboard } from '../dashboard.js';
import { formatCount, shortId } from '../format.js';
import { SearchIcon } from '../icons.js';
import { MarkSwatch, RiderSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { t } from '../locale/text.js';

/** The search begins when nothing was typed for this long. */
const TYPING_PAUSE_MS = 150;

/** How often the results are requested again while they are shown: states change. */
const REFRESH_EVERY_MS = 5_000;

const LISTED = 20;

/** Finds vehicles and trips of the whole city by id, state and provider. A chosen result is shown on the map. */
export function Find() {
  const { city, view } = useDashboard();
  const typed = useStore(view.search);
  const provider = useStore(city.provider);
  const query = useLater(typed.trim(), TYPING_PAUSE_MS);
  const [isOpen, setIsOpen] = useState(typed !== '');
  const [active, setActive] = useState(0);
  const path = query === '' || !isOpen ? null : searchPath(query, provider);
  const { body, failure } = useRequest<SearchResults>(path, REFRESH_EVERY_MS);
  const results = body?.results ?? [];
  const isListed = isOpen && typed.trim() !== '' && results.length > 0;
  const chosen = Math.min(active, results.length - 1);

  const pick = (index: number) => {
    if (results[index] === undefined) return;
    setActive(index);
    select(city, results[index]);
  };
  const press = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined && results.length > 0) {
      event.preventDefault();
      setActive((chosen + step + results.length) % results.length);
    } else if (event.key === 'Escape' && typed !== '') {
      event.preventDefault();
      view.search.set('');
    }
  };
  return (
    <search>
      <form
        className="find"
        onSubmit={(event) => {
          event.preventDefault();
          pick(chosen);
        }}
      >
        <SearchIcon />
        <input
          id="find"
          type="search"
          role="combobox"
          placeholder={t('find.placeholder')}
          aria-label={t('find.label')}
          aria-controls="find-results"
          aria-expanded={isListed}
          aria-autocomplete="list"
          aria-activedescendant={isListed ? `find-result-${chosen}` : undefined}
          autoComplete="off"
          spellCheck={false}
          maxLength={100}
          value={typed}
          onKeyDown={press}
          onFocus={() => setIsOpen(true)}
          onChange={(event) => {
            view.search.set(event.target.value);
            setIsOpen(true);
            setActive(0);
          }}
        />
        <kbd aria-hidden="true">/</kbd>
      </form>
      <Results results={results} isListed={isListed} chosen={chosen} onChoose={pick} />
      <p className="find-status" role="status" data-testid="find-status">
        {statusWords({ isOpen, query, typed: typed.trim(), body, failure })}
      </p>
      {isOpen && query !== '' && <PastTrips query={query} />}
    </search>
  );
}

/** The search covers the trips of the last hours; the list of trips has those before, too. */
function PastTrips({ query }: { query: string }) {
  const { view } = useDashboard();
  const open = (): void => {
    view.tripText.set(query);
    view.tripsPage.set(0);
    view.page.set('trips');
  };
  return (
    <p className="find-status">
      <button type="button" className="link-button" onClick={open}>
        {t('find.past')}
      </button>
    </p>
  );
}

function Results(props: {
  results: readonly SearchResult[];
  isListed: boolean;
  chosen: number;
  onChoose: (index: number) => void;
}) {
  const { results, isListed, chosen, onChoose } = props;
  return (
    <ul
      id="find-results"
      className="find-results"
      role="listbox"
      aria-label={t('find.found')}
      hidden={!isListed}
    >
      {results.map((result, index) => (
        <li
          key={resultKey(result)}
          id={`find-result-${index}`}
          className="find-result"
          role="option"
          aria-selected={index === chosen}
          onClick={() => onChoose(index)}
        >
          <ResultLine result={result} />
        </li>
      ))}
    </ul>
  );
}

function ResultLine({ result }: { result: SearchResult }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  const whose = t('find.provider', { id: shortId(result.provider_id) });
  if (result.kind === 'trip') {
    const stage = result.stage === null ? t('stage.unknown') : t(`stage.${result.stage}`);
    return (
      <>
        <RiderSwatch size={18} />
        <span className="find-id">{t('find.trip', { id: shortId(result.trip_id) })}</span>
        <span className="find-about">
          {result.stage === 'requested' ? t('rider.waiting').toLowerCase() : stage}, {whose}
        </span>
      </>
    );
  }
  const state = toDrawnState(result.vehicle_state);
  const words = t(`state.${state}`).toLowerCase();
  return (
    <>
      {isOnMap(state) ? <MarkSwatch state={state} theme={painted} size={18} /> : <span />}
      <span className="find-id">{t('find.vehicle', { id: shortId(result.device_id) })}</span>
      <span className="find-about">
        {words}
        {result.contact !== 'live' && `, ${t(`contact.${result.contact}`)}`}, {whose}
      </span>
    </>
  );
}

function select(city: CityState, result: SearchResult): void {
  const { provider_id: providerId } = result;
  if (result.kind === 'vehicle') city.select({ deviceId: result.device_id, providerId });
  else city.selectTrip({ tripId: result.trip_id, providerId });
}

function statusWords(found: {
  isOpen: boolean;
  query: string;
  typed: string;
  body: SearchResults | null;
  failure: string | null;
}): string {
  const { isOpen, query, typed, body, failure } = found;
  if (!isOpen || typed === '') return '';
  if (failure !== null) return t('find.failed', { reason: failure });
  if (body === null || query !== typed) return t('find.searching');
  if (body.total === 0) return t('find.none');
  const count = formatCount(body.total);
  return body.total > body.results.length
    ? t('find.countListed', { count, listed: body.results.length })
    : t('find.count', { count });
}

function searchPath(query: string, provider: string | null): string {
  const parameters = new URLSearchParams({ q: query, limit: String(LISTED) });
  if (provider !== null) parameters.set('provider_id', provider);
  return `/search?${parameters}`;
}

function resultKey(result: SearchResult): string {
  const id = result.kind === 'vehicle' ? result.device_id : result.trip_id;
  return `${result.kind} ${result.provider_id} ${id}`;
}

/** A value, once it has not changed for this long. */
function useLater(value: string, afterMs: number): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), afterMs);
    return () => clearTimeout(timer);
  }, [value, afterMs]);
  return settled;
}
