import { useEffect, useState } from 'react';
import { IgnoredParameters } from './notices/ignored-parameters.js';
import { Bar } from './bar/bar.js';
import { useLiveness } from './liveness/use-liveness.js';
import { TripCard } from './card/trip-card.js';
import { VehicleCard } from './card/vehicle-card.js';
import { tripKey } from './city-state/waiting-riders.js';
import { useDashboard } from './dashboard.js';
import { DeadLettersView } from './dead-letters/dead-letters-view.js';
import { HelpSheet } from './help/help-sheet.js';
import { CityMap } from './map/city-map.js';
import { Notices } from './notices/notices.js';
import { FleetPanel } from './panel/fleet-panel.js';
import { useProviders } from './panel/providers.js';
import { type Shortcuts, useShortcuts } from './shortcuts.js';
import { locale } from './locale/locale.js';
import { useStore } from './store.js';
import { Timeline } from './timeline/timeline.js';
import { VehicleTable } from './table/vehicle-table.js';

/** On narrower windows, either the map or the panel fits. */
const narrow = '(max-width: 720px)';

export function App() {
  // All texts, numbers and times are rendered again if it changes.
  useStore(locale);
  const { city, connection, theme, view } = useDashboard();
  const [canShowMap, setCanShowMap] = useCanShowMap();
  const page = useStore(view.page);
  const showsDeadLetters = page === 'dead-letters';
  const showsTable = page === 'table' || (!canShowMap && !showsDeadLetters);
  const [panelIsOpen, setPanelIsOpen] = useState(() => !matchMedia(narrow).matches);
  const state = useStore(connection.state);
  const isSignedOut = state.kind === 'signed-out';
  const cards = [useStore(city.selected), useStore(city.trip)];
  const [showsHelp, setShowsHelp] = useState(false);
  useProviders();
  const [isSlow, setIsSlow] = useState(false);
  const liveness = useLiveness({ showsMap: !showsTable && !showsDeadLetters });

  useDocumentData({ connection: state.kind, live: String(liveness.isLive) });

  const toggleTable = () => view.page.set(page === 'table' ? 'map' : 'table');
  const togglePanel = () => setPanelIsOpen((open) => !open);
  const toggleDeadLetters = () => view.page.set(showsDeadLetters ? 'map' : 'dead-letters');
  const showsCity = !isSignedOut && !showsDeadLetters;
  const toggleHelp = () => setShowsHelp((shown) => !shown);
  useShortcuts({
    ...useCityShortcuts({ isShown: showsCity, openPanel: () => setPanelIsOpen(true) }),
    table: canShowMap && showsCity ? toggleTable : undefined,
    panel: showsCity ? togglePanel : undefined,
    deadLetters: toggleDeadLetters,
    theme: () => theme.chooseNext(),
    help: toggleHelp,
  });

  return (
    <div
      className="app"
      data-panel={panelIsOpen ? 'open' : 'folded'}
      data-card={cards.some((card) => card !== null) ? 'open' : 'closed'}
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
        onHelp={toggleHelp}
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
      {showsCity && <Card />}
      {(showsCity || isSignedOut) && (
        <Notices
          isSlow={isSlow && !showsTable}
          showsTable={showsTable}
          onShowTable={() => view.page.set('table')}
        />
      )}
      <IgnoredParameters />
      {showsHelp && <HelpSheet onClose={() => setShowsHelp(false)} />}
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

/** The card of what is selected. */
function Card() {
  const { city } = useDashboard();
  const selected = useStore(city.selected);
  const trip = useStore(city.trip);
  if (selected !== null) return <VehicleCard key={selected.deviceId} selected={selected} />;
  return trip === null ? null : <TripCard key={tripKey(trip)} trip={trip} />;
}

/** The keys that act on the city. */
function useCityShortcuts({ isShown, openPanel }: { isShown: boolean; openPanel: () => void }): Shortcuts {
  const { city } = useDashboard();
  if (!isShown) return {};
  return {
    close: () => city.select(null),
    colors: () => city.colors.set(city.colors.get() === 'state' ? 'provider' : 'state'),
    find: () => {
      openPanel();
      const field = document.getElementById('find');
      if (field === null) requestAnimationFrame(() => document.getElementById('find')?.focus());
      else field.focus();
    },
  };
}

/** Sets data attributes of the document. */
function useDocumentData({ connection, live }: { connection: string; live: string }): void {
  useEffect(() => {
    Object.assign(document.documentElement.dataset, { connection, live });
  }, [connection, live]);
}
