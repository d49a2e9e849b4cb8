import './bar.css';
import type { Liveness } from '../liveness/liveness.js';
import { useDashboard } from '../dashboard.js';
import { MapIcon, PanelIcon, SignOutIcon, TableIcon } from '../icons.js';
import { useStore } from '../store.js';
import { ConnectionWords } from './connection-words.js';
import { FreshnessWords } from './freshness-words.js';
import { ThemeButton } from './theme-button.js';

interface BarProps {
  readonly liveness: Liveness;
  readonly canShowMap: boolean;
  readonly showsTable: boolean;
  readonly onToggleTable: () => void;
  readonly panelIsOpen: boolean;
  readonly onTogglePanel: () => void;
}

/** The bar at the top: the city, whether the data is live, and the controls. */
export function Bar({
  liveness,
  canShowMap,
  showsTable,
  onToggleTable,
  panelIsOpen,
  onTogglePanel,
}: BarProps) {
  const { connection, signOut } = useDashboard();
  const city = useStore(connection.city);
  const isSignedOut = useStore(connection.state).kind === 'signed-out';
  return (
    <header className="bar">
      <h1 className="bar-name">
        <svg width="20" height="20" viewBox="-12 -12 24 24" aria-hidden="true">
          <path d="M0 -10 8 9 0 5 -8 9Z" fill="currentColor" />
        </svg>
        <span className="bar-product">Hailstream</span>
        <span className="bar-city">{city?.name ?? ''}</span>
      </h1>
      <div className="bar-live">
        <ConnectionWords liveness={liveness} />
        <FreshnessWords />
      </div>
      <div className="bar-controls">
        {isSignedOut || (
          <button
            type="button"
            className="bar-button"
            aria-pressed={panelIsOpen}
            aria-label="Figures panel"
            title="Figures panel (P)"
            onClick={onTogglePanel}
          >
            <PanelIcon />
          </button>
        )}
        {canShowMap && !isSignedOut && (
          <button
            type="button"
            className="bar-button"
            aria-label={showsTable ? 'Show the map' : 'Show the table'}
            title={showsTable ? 'Map (T)' : 'Table (T)'}
            onClick={onToggleTable}
          >
            {showsTable ? <MapIcon /> : <TableIcon />}
          </button>
        )}
        <ThemeButton />
        {signOut !== null && (
          <button
            type="button"
            className="bar-button"
            aria-label="Sign out"
            title="Sign out"
            onClick={signOut}
          >
            <SignOutIcon />
          </button>
        )}
      </div>
    </header>
  );
}
