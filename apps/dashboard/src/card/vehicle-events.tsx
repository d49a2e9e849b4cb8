import type { VehicleDetail } from '@hailstream/events/live';
import { isOnMap } from '../city-state/drawn-state.js';
import { useDashboard } from '../dashboard.js';
import { formatClock, inWords } from '../format.js';
import { MarkSwatch } from '../marks/mark-swatch.js';
import { useStore } from '../store.js';

/** The latest events of a vehicle, newest first; `null` while they are loading. */
export function VehicleEvents({ events }: { events: VehicleDetail['events'] | null }) {
  const { theme } = useDashboard();
  const painted = useStore(theme.theme);
  return (
    <section className="card-section">
      <h3>Events</h3>
      {events?.length === 0 && <p className="card-none">No events</p>}
      <ol className="card-events">
        {events?.map(({ event_types, vehicle_state, timestamp }) => (
          <li key={`${timestamp} ${event_types.join()}`}>
            <time dateTime={new Date(timestamp).toISOString()}>{formatClock(timestamp)}</time>
            {isOnMap(vehicle_state) && <MarkSwatch state={vehicle_state} theme={painted} size={16} />}
            <span>{event_types.map(inWords).join(', ')}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
