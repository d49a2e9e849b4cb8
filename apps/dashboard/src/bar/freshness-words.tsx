import { useEffect, useState } from 'react';
import { ageOfNewestEvent, freshnessOf } from '../city-state/freshness.js';
import { useDashboard } from '../dashboard.js';
import { formatDuration } from '../format.js';
import { useStore } from '../store.js';

/** How often the age is told anew. */
const RETELL_EVERY_MS = 500;

/** How old the picture is: the age of the newest event anywhere in the city. */
export function FreshnessWords() {
  const { city } = useDashboard();
  const tick = useStore(city.tick);
  const now = useNow();
  const newestEventAt = tick?.figures.newestEventAt ?? null;
  if (tick === null || newestEventAt === null) return <span className="freshness" data-testid="freshness" />;
  const ageMs = ageOfNewestEvent({ ...tick, newestEventAt }, now);
  return (
    <span className="freshness" data-testid="freshness" data-freshness={freshnessOf(ageMs)}>
      <span className="freshness-label">newest event </span>
      <span className="freshness-age">
        {formatDuration(ageMs)}
        <span className="freshness-ago"> ago</span>
      </span>
    </span>
  );
}

function useNow(): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), RETELL_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
