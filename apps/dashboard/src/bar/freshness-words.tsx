import { freshnessOf } from '../liveness/freshness.js';
import { newestEventAge } from '../liveness/liveness.js';
import { useDashboard } from '../dashboard.js';
import { formatDuration } from '../format.js';
import { useStore } from '../store.js';
import { useNow } from '../liveness/use-liveness.js';

/** The age of the newest event in the city. */
export function FreshnessWords() {
  const { city } = useDashboard();
  const ageMs = newestEventAge({ tick: useStore(city.tick), now: useNow() });
  if (ageMs === null) return <span className="freshness" data-testid="freshness" />;
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
