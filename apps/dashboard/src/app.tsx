import { useEffect, useState } from 'react';
import { IgnoredParameters } from './notices/ignored-parameters.js';
import { Bar } from './bar/bar.js';
import { useLiveness } from './liveness/use-liveness.js';
import { VehicleCard } from './card/vehicle-card.js';
import { useDashboard } from './dashboard.js';
import { DeadLettersView } from './dead-letters/dead-letters-view.js';
import { CityMap } from './map/city-map.js';
import { Notices } from './notices/notices.js';
import { FleetPanel } from './panel/fleet-panel.js';
import { useShortcuts } from './shortcuts.js';
import { useStore } from './store.js';
import { Timeline } from './timeline/timeline.js';
import { VehicleTable } from './table/vehicle-table.js';

/** On narrower windows, either the map or the panel fits. */
const narrow = '(max-width: 720px)';

export function App() {
  const { city, connection, view } = useDashboard();
  const [canShowMap, setCanShowMap] = useCanShowMap();
  const page = useStore(view.page);
  const showsDeadLetters = page === 'dead-letters';
  const showsTable = page === 'table' || (!canShowMap && !showsDeadLetters);
  const [panelIsOpen, setPanelIsOpen] = useState(() => !matchMedia(narrow).matches);
  const state = useStore(connection.state);
  const isSignedOut = state.kind === 'signed-out';
  const selected = useStore(city.selected);
  const [isSlow, setIsSlow] = useState(false);
  const liveness = useLiveness({ showsMap: !showsTable && !showsDeadLetters });

  useDocumentData({ connection: state.kind, live: String(liveness.isLive) });

  const toggleTable = () => view.page.set(page === 'table' ? 'map' : 'table');
  const togglePanel = () => setPanelIsOpen((open) => !open);
  const toggleDeadLetters = () => view.page.set(showsDeadLetters ? 'map' : 'dead-letters');
  const showsCity = !isSignedOut && !showsDeadLetters;
  useShortcuts({
    Escape: showsCity ? () => city.select(null) : undefined,
    t: canShowMap && showsCity ? toggleTable : undefined,
    p: showsCity ? togglePanel : undefined,
    d: toggleDeadLetters,
    '/': () => {
      if (!showsCity) return;
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
        showsDeadLetters={showsDeadLetters}
        onToggleDeadLetters={toggleDeadLetters}
      />
      <main className="stage">
        {canShowMap && !isSignedOut && (
          <CityMap isShown={!showsTable && showsCity} isOutdated={liveness.isOutdated} onSlow={setIsSlow} />
        )}
        {showsTable && showsCity && (
          <VehicleTable onShowMap={canShowMap ? null : () => setCanShowMap(true)} />
        )}
        {showsDeadLetters && !isSignedOut && <DeadLettersView />}
      </main>
      {showsCity && <Timeline />}
      {panelIsOpen && showsCity && <FleetPanel />}
      {selected !== null && showsCity && <VehicleCard key={selected.deviceId} selected={selected} />}
      {(showsCity || isSignedOut) && (
        <Notices
          isSlow={isSlow && !showsTable}
          showsTable={showsTable}
          onShowTable={() => view.page.set('table')}
        />
      )}
      <IgnoredParameters />
    </div>
  );
}

/** Whether the map can be shown. If it failed, the table is shown until the user requests the map again. */
function useCanShowMap() {
  const { city } = useDashboard();
  const [canShowMap, setCanShowMap] = useState(true);
  const map = useStore(city.map);
  useEffect(() => {
    if (map === 'unavailable') setCanShowMap(false);
  }, [map]);
  return [canShowMap, setCanShowMap] as const;
}

/** Sets data attributes of the document. */
function useDocumentData({ connection, live }: { connection: string; live: string }): void {
  useEffect(() => {
    Object.assign(document.documentElement.dataset, { connection, live });
  }, [connection, live]);
}
