import { useEffect, useState } from 'react';
import { type Liveness, type LivenessFacts, livenessOf } from '../city-state/liveness.js';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** How often ages are told anew. */
const RETELL_EVERY_MS = 500;

/** Whether what is shown is of now. */
export function useLiveness({ showsTable }: { showsTable: boolean }): Liveness {
  const { city, connection } = useDashboard();
  const map = useStore(city.map);
  return livenessOf({
    connection: useStore(connection.state).kind,
    status: useStore(city.status),
    tick: useStore(city.tick),
    isCurrent: useStore(city.isCurrent),
    map: showsTable ? null : map,
    now: useNow(),
  });
}

/** This browser's clocks, anew twice a second and whenever the tab is looked at again. */
export function useNow(): LivenessFacts['now'] {
  const [now, setNow] = useState(readClocks);
  useEffect(() => {
    const read = () => setNow(readClocks());
    const timer = setInterval(read, RETELL_EVERY_MS);
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
