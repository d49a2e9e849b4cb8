import { useEffect, useState } from 'react';
import { type Liveness, type LivenessFacts, livenessOf } from './liveness.js';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** How often ages are updated. */
const UPDATE_INTERVAL_MS = 500;

/** Whether the data on the page is live. */
export function useLiveness({ showsMap }: { showsMap: boolean }): Liveness {
  const { city, connection, history } = useDashboard();
  const contents = useStore(city.shown);
  const shownTick = useStore(contents.tick);
  const by = useStore(history.shownBy);
  const requestedAt = useStore(history.at);
  const shown = shownTick === null || by === null ? null : { at: shownTick.asOf, by };
  const map = useStore(city.map);
  return livenessOf({
    connection: useStore(connection.state).kind,
    status: useStore(city.status),
    tick: useStore(city.live.tick),
    isCurrent: useStore(city.isCurrent),
    map: showsMap ? map : null,
    past: contents === city.live ? null : { requestedAt, shown },
    now: useNow(),
  });
}

/** The browser's clocks, read twice a second and whenever the tab becomes visible. */
export function useNow(): LivenessFacts['now'] {
  const [now, setNow] = useState(readClocks);
  useEffect(() => {
    const read = () => setNow(readClocks());
    const timer = setInterval(read, UPDATE_INTERVAL_MS);
    document.addEventListener('visibilitychange', read);
    addEventListener('pageshow', read);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', read);
      removeEventListener('pageshow', read);
    };
  }, []);
  return now;
}

function readClocks(): LivenessFacts['now'] {
  return { monotonic: performance.now(), date: Date.now() };
}
