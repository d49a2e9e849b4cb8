import { useEffect, useState } from 'react';
import { Bar } from './bar/bar.js';
import { useLiveness } from './liveness/use-liveness.js';
import { VehicleCard } from './card/vehicle-card.js';
import { useDashboard } from './dashboard.js';
import { CityMap } from './map/city-map.js';
import { Notices } from './notices/notices.js';
import { FleetPanel } from './panel/fleet-panel.js';
import { useShortcuts } from './shortcuts.js';
import { useStore } from './store.js';
import { VehicleTable } from './table/vehicle-table.js';

/** On narrower windows, either the map or the panel fits. */
const narrow = '(max-width: 720px)';

export function App() {
  const { city, connection } = useDashboard();
  const [canShowMap, setCanShowMap] = useState(true);
  const [wantsTable, setWantsTable] = useState(false);
  const showsTable = wantsTable || !canShowMap;
  const [panelIsOpen, setPanelIsOpen] = useState(() => !matchMedia(narrow).matches);
  const state = useStore(connection.state);
  const isSignedOut = state.kind === 'signed-out';
  const selected = useStore(city.selected);
  const [isSlow, setIsSlow] = useState(false);
  const liveness = useLiveness({ showsTable });

  // The map failed: the table is shown until the user requests the map again.
  const map = useStore(city.map);
  useEffect(() => {
    if (map === 'unavailable') setCanShowMap(false);
  }, [map]);

  useEffect(() => {
    document.documentElement.dataset['connection'] = state.kind;
    document.documentElement.dataset['live'] = String(liveness.isLive);
  }, [state.kind, liveness.isLive]);

  const toggleTable = () => setWantsTable((wanted) => !wanted);
  const togglePanel = () => setPanelIsOpen((open) => !open);
  useShortcuts({
    Escape: () => city.select(null),
    t: canShowMap ? toggleTable : undefined,
    p: togglePanel,
    '/': () => {
      setPanelIsOpen(true);
      requestAnimationFrame(() => document.getElementById('find-vehicle')?.focus());
    },
  });

  return (
    <div
      className="app"
      data-panel={panelIsOpen ? 'open' : 'folded'}
      data-card={selected ? 'open' : 'closed'}
    >
      <Bar
        liveness={liveness}
        canShowMap={canShowMap}
        showsTable={showsTable}
        onToggleTable={toggleTable}
        panelIsOpen={panelIsOpen}
        onTogglePanel={togglePanel}
      />
      <main className="stage">
        {canShowMap && !isSignedOut && (
          <CityMap isShown={!showsTable} isPast={liveness.isPast} onSlow={setIsSlow} />
        )}
        {showsTable && !isSignedOut && (
          <VehicleTable onShowMap={canShowMap ? null : () => setCanShowMap(true)} />
        )}
      </main>
      {panelIsOpen && !isSignedOut && <FleetPanel />}
      {selected !== null && !isSignedOut && <VehicleCard key={selected.deviceId} selected={selected} />}
      <Notices
        isSlow={isSlow && !showsTable}
        showsTable={showsTable}
        onShowTable={() => setWantsTable(true)}
      />
    </div>
  );
}
