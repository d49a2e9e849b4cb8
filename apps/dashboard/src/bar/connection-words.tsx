import { useDashboard } from '../dashboard.js';
import { formatClock } from '../format.js';
import { useStore } from '../store.js';

/** How the page and the service stand, in words. */
export function ConnectionWords() {
  const { city, connection } = useDashboard();
  const { kind } = useStore(connection.state);
  return (
    <span className="connection" role="status" data-testid="connection-state" data-state={kind}>
      <span className="connection-pill">{kind === 'connected' ? 'LIVE' : 'NOT LIVE'}</span>
      <span className="connection-words">
        {kind === 'connecting' && 'connecting'}
        {kind === 'connected' && 'connected'}
        {kind === 'reconnecting' && <Reconnecting shownAt={city.tick.get()?.asOf ?? null} />}
        {kind === 'signed-out' && 'signed out'}
      </span>
    </span>
  );
}

function Reconnecting({ shownAt }: { shownAt: number | null }) {
  return shownAt === null ? 'reconnecting' : `reconnecting, showing ${formatClock(shownAt)}`;
}
