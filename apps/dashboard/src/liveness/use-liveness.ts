import { useEffect, useState } from 'react';
import { isSameLiveness, type Liveness, type LivenessFacts, livenessOf } from './liveness.js';
import { type Dashboard, useDashboard } from '../dashboard.js';
import { locale } from '../locale/locale.js';

/** How often ages are updated. */
const UPDATE_INTERVAL_MS = 500;

/** Whether the data on the page is live. It is decided after each frame; the page is rendered again only if it changed. */
export function useLiveness({ showsMap }: { showsMap: boolean }): Liveness {
  const dashboard = useDashboard();
  const [liveness, setLiveness] = useState(() => readLiveness(dashboard, { showsMap }));
  useEffect(() => {
    const read = () => {
      const next = readLiveness(dashboard, { showsMap });
      setLiveness((before) => (isSameLiveness(before, next) ? before : next));
    };
    const { city, connection, history } = dashboard;
    let unfollow = city.shown.get().tick.subscribe(read);
    const follow = () => {
      unfollow();
      unfollow = city.shown.get().tick.subscribe(read);
      read();
    };
    const { live, shown, map, status, isCurrent } = city;
    const stores = [live.tick, map, status, isCurrent, connection.state, history.shownBy, history.at, locale];
    const unsubscribe = [
      ...stores.map((store) => store.subscribe(read)),
      shown.subscribe(follow),
      onClock(read),
    ];
    read();
    return () => {
      unfollow();
      for (const stop of unsubscribe) stop();
    };
  }, [dashboard, showsMap]);
  return liveness;
}

/** The browser's clocks, read twice a second and whenever the tab becomes visible. */
export function useNow(): LivenessFacts['now'] {
  const [now, setNow] = useState(readClocks);
  useEffect(() => onClock(() => setNow(readClocks())), []);
  return now;
}

function readLiveness(
  { city, connection, history }: Dashboard,
  { showsMap }: { showsMap: boolean },
): Liveness {
  const contents = city.shown.get();
  const tick = contents.tick.get();
  const by = history.shownBy.get();
  const shown = tick === null || by === null ? null : { at: tick.asOf, by };
  return livenessOf({
    connection: connection.state.get().kind,
    status: city.status.get(),
    tick: city.live.tick.get(),
    isCurrent: city.isCurrent.get(),
    map: showsMap ? city.map.get() : null,
    past: contents === city.live ? null : { requestedAt: history.at.get(), shown },
    now: readClocks(),
  });
}

/** Calls `read` twice a second and whenever the tab becomes visible. Returns a function that ends it. */
function onClock(read: () => void): () => void {
  const timer = setInterval(read, UPDATE_INTERVAL_MS);
  document.addEventListener('visibilitychange', read);
  addEventListener('pageshow', read);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', read);
    removeEventListener('pageshow', read);
  };
}

function readClocks(): LivenessFacts['now'] {
  return { monotonic: performance.now(), date: Date.now() };
}
