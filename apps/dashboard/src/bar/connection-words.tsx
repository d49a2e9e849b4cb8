import type { Liveness } from '../liveness/liveness.js';
import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** Whether the data is live, and if not, why. */
export function ConnectionWords({ liveness }: { liveness: Liveness }) {
  const { connection } = useDashboard();
  const { kind } = useStore(connection.state);
  const { isLive, tone, words, announcement } = liveness;
  return (
    <span
      className="connection"
      data-testid="connection-state"
      data-state={kind}
      data-live={isLive}
      data-tone={tone}
    >
      <span className="connection-pill">{isLive ? 'LIVE' : 'NOT LIVE'}</span>
      <span className="connection-words" title={words}>
        {words}
      </span>
      <span className="visually-hidden" role="status">
        {announcement}
      </span>
    </span>
  );
}
