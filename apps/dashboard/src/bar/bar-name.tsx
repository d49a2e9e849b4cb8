import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';

/** The title of the page, with the name of the city. */
export function BarName() {
  const { connection } = useDashboard();
  const city = useStore(connection.city);
  return (
    <h1 className="bar-name">
      <svg width="20" height="20" viewBox="-12 -12 24 24" aria-hidden="true">
        <path d="M0 -10 8 9 0 5 -8 9Z" fill="currentColor" />
      </svg>
      <span className="bar-product">Hailstream</span>
      <span className="bar-city">{city?.name ?? ''}</span>
    </h1>
  );
}
