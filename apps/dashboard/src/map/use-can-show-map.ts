import { useEffect, useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** Whether the map can be shown. If it failed, it is not shown until the user requests it again. */
export function useCanShowMap() {
  const { city } = useDashboard();
  const [canShowMap, setCanShowMap] = useState(true);
  const map = useStore(city.map);
  useEffect(() => {
    if (map === 'unavailable') setCanShowMap(false);
  }, [map]);
  return [canShowMap, setCanShowMap] as const;
}
