import { useState } from 'react';
import { IgnoredParameters } from './notices/ignored-parameters.js';
import { AlertsPanel } from './alerts/alerts-panel.js';
import { Bar } from './bar/bar.js';
import { useDocumentData } from './liveness/use-document-data.js';
import { useLiveness } from './liveness/use-liveness.js';
import { TripCard } from './card/trip-card.js';
import { VehicleCard } from './card/vehicle-card.js';
import { tripKey } from './city-state/waiting-riders.js';
import { useDashboard } from './dashboard.js';
import { useFleetCount } from './filters/use-fleet-filter.js';
import { heatChoices } from './address/choices.js';
import { useDemand } from './heat/use-demand.js';
import { HelpSheet } from './help/help-sheet.js';
import { CityMap } from './map/city-map.js';
import { useCanShowMap } from './map/use-can-show-map.js';
import { Notices } from './notices/notices.js';
import { FleetPanel } from './panel/fleet-panel.js';
import { useProviders } from './panel/providers.js';
import { type Shortcuts, useShortcuts } from './shortcuts.js';
import { locale } from './locale/locale.js';
import { SettingsSheet } from './settings-sheet/settings-sheet.js';
import { useStore } from './store.js';
import { onDemand } from './on-demand/on-demand.js';
import { Timeline } from './timeline/timeline.js';
import { useZones } from './zones/use-zones.js';
import { VehicleTable } from './table/vehicle-table.js';

const DeadLettersView = onDemand(
  async () => (await import('./dead-letters/dead-letters-view.js')).DeadLettersView,
);
const FeedsView = onDemand(async () => (await import('./feeds/feeds-view.js')).FeedsView);
const ReportsView = onDemand(async () => (await import('./reports/reports-view.js')).ReportsView);
const TripPage = onDemand(async () => (await import('./trips/trip-page.js')).TripPage);
const TripsView = onDemand(async () => (await import('./trips/trips-view.js')).TripsView);
const VehicleDay = onDemand(async () => (await import('./trips/vehicle-day.js')).VehicleDay);

/** On narrower windows, either the map or the panel fits. */
const narrow = '(max-width: 720px)';

export function App() {
  const { connection, theme, view } = useDashboard();
  const [canShowMap, setCanShowMap] = useCanShowMap();
  const { page, opened, showsPage, toggleTable, ...pages } = usePage();
  const showsTable = page === 'table' || (!canShowMap && !showsPage);
  const panel = usePanel();
  const isSignedOut = useStore(connection.state).kind === 'signed-out';
  const hasCard = useHasCard();
  useCityRequests();
  const [isSlow, setIsSlow] = useState(false);
  useLocale();
  const { sheet, ...sheets } = useSheet();
  const liveness = useLiveness({ showsMap: !showsTable && !showsPage });

  useDocumentData(liveness);

  const showsCity = !isSignedOut && !showsPage;
  useShortcuts({
    ...useCityShortcuts({ isShown: showsCity, panel }),
    table: canShowMap && showsCity ? toggleTable : undefined,
    ...(isSignedOut ? {} : pages.keys),
    deadLetters: pages.toggleDeadLetters,
    theme: () => theme.chooseNext(),
    settings: sheets.onSettings,
    help: sheets.onHelp,
  });

  return (
    <div
      className="app"
      data-panel={panel.shown !== null && showsCity ? 'open' : 'folded'}
      data-card={showsCity && hasCard ? 'open' : 'closed'}
    >
      <Bar
        liveness={liveness}
        canShowMap={canShowMap}
        showsTable={showsTable}
        onToggleTable={toggleTable}
        panelIsOpen={panel.shown === 'figures'}
        onTogglePanel={panel.toggleFigures}
        showsCity={showsCity}
        pages={pages}
        {...sheets}
      />
      <main className="stage">
        {canShowMap && !isSignedOut && (
          <CityMap
            isShown={(!showsTable && showsCity) || opened === 'trip'}
            isOutdated={liveness.isOutdated && showsCity}
            onSlow={setIsSlow}
          />
        )}
        {showsTable && showsCity && (
          <VehicleTable onShowMap={canShowMap ? null : () => setCanShowMap(true)} />
        )}
        {!showsCity && !isSignedOut && <Page opened={opened} />}
      </main>
      {showsCity && <Timeline />}
      {showsCity && <Panel shown={panel.shown} />}
      {showsCity && <Card />}
      {(showsCity || isSignedOut) && (
        <Notices
          isSlow={isSlow && !showsTable}
          showsTable={showsTable}
          onShowTable={() => view.page.set('table')}
        />
      )}
      <IgnoredParameters />
      {sheet}
    </div>
  );
}

/** Keeps what is requested of the city up to date, whether the panel is open or not. */
function useCityRequests(): void {
  useProviders();
  useFleetCount();
  useDemand();
}

function Panel({ shown }: { shown: ReturnType<typeof usePanel>['shown'] }) {
  if (shown === null) return null;
  return shown === 'alerts' ? <AlertsPanel /> : <FleetPanel />;
}

/** What the panel shows: alerts take the place of the figures. */
function usePanel() {
  const { alerts } = useDashboard();
  const [figuresAreOpen, setFiguresAreOpen] = useState(() => !matchMedia(narrow).matches);
  const showsAlerts = useStore(alerts.page) !== 'closed';
  useZones();
  const showFigures = (isShown = true) => {
    alerts.page.set('closed');
    setFiguresAreOpen(isShown);
  };
  const figures = figuresAreOpen ? ('figures' as const) : null;
  return {
    shown: showsAlerts ? ('alerts' as const) : figures,
    showFigures: () => showFigures(),
    toggleFigures: () => showFigures(showsAlerts || !figuresAreOpen),
  };
}

/** Renders the whole page again when the language, the units or the time zone change. */
function useLocale(): void {
  useStore(locale);
}

/** The dialog over the page, if one is open, and what opens and closes each. */
function useSheet() {
  const [name, setName] = useState<'help' | 'settings' | null>(null);
  const close = () => setName(null);
  return {
    sheet: (
      <>
        {name === 'help' && <HelpSheet onClose={close} />}
        {name === 'settings' && <SettingsSheet onClose={close} />}
      </>
    ),
    onHelp: () => setName(name === 'help' ? null : 'help'),
    onSettings: () => setName(name === 'settings' ? null : 'settings'),
  };
}

/** The page that is shown, and what the buttons and keys of pages do. `showsPage`: whether it is not the map or the table. */
function usePage() {
  const { view } = useDashboard();
  const page = useStore(view.page);
  const opened = useOpened();
  const showsTrips = page === 'trips' || opened !== null;
  const showsFeeds = page === 'feeds';
  const showsReports = page === 'reports';
  const showsDeadLetters = page === 'dead-letters';
  const toggleTrips = () => view.page.set(showsTrips ? 'map' : 'trips');
  const toggleFeeds = () => view.page.set(showsFeeds ? 'map' : 'feeds');
  const toggleReports = () => view.page.set(showsReports ? 'map' : 'reports');
  return {
    page,
    opened,
    showsTrips,
    showsFeeds,
    showsReports,
    showsDeadLetters,
    showsPage: showsTrips || showsFeeds || showsReports || showsDeadLetters,
    toggleTable: () => view.page.set(page === 'table' ? 'map' : 'table'),
    toggleTrips,
    toggleFeeds,
    toggleReports,
    /** Keys that need a token. */
    keys: { trips: toggleTrips, feeds: toggleFeeds, reports: toggleReports },
    toggleDeadLetters: () => view.page.set(view.page.get() === 'dead-letters' ? 'map' : 'dead-letters'),
  };
}

/** Whether the page of a trip or vehicle is open; `null` if the address names the page without a trip or vehicle. */
function useOpened(): 'trip' | 'vehicle' | null {
  const { city, view } = useDashboard();
  const page = useStore(view.page);
  const trip = useStore(city.trip);
  const vehicle = useStore(city.selected);
  if (page === 'trip' && trip !== null) return page;
  return page === 'vehicle' && vehicle !== null ? page : null;
}

/** What is shown instead of the map and the table. */
function Page({ opened }: { opened: 'trip' | 'vehicle' | null }) {
  const { city, view } = useDashboard();
  const page = useStore(view.page);
  const trip = useStore(city.trip);
  const vehicle = useStore(city.selected);
  if (opened === 'trip') return trip && <TripPage key={tripKey(trip)} trip={trip} />;
  if (opened === 'vehicle') return vehicle && <VehicleDay key={vehicle.deviceId} vehicle={vehicle} />;
  if (page === 'feeds') return <FeedsView />;
  if (page === 'reports') return <ReportsView />;
  return page === 'trips' ? <TripsView /> : <DeadLettersView />;
}

function useHasCard(): boolean {
  const { city } = useDashboard();
  return [useStore(city.selected), useStore(city.trip)].some((card) => card !== null);
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
function useCityShortcuts({
  isShown,
  panel,
}: {
  isShown: boolean;
  panel: ReturnType<typeof usePanel>;
}): Shortcuts {
  const { alerts, city, view } = useDashboard();
  if (!isShown) return {};
  return {
    alerts: () => alerts.toggle(),
    panel: panel.toggleFigures,
    zones: () => alerts.toggleZones(),
    close: () => city.select(null),
    follow: () => {
      if (city.selected.get() !== null) view.follow.set(!view.follow.get());
    },
    heat: () => view.heat.set(heatChoices[(heatChoices.indexOf(view.heat.get()) + 1) % heatChoices.length]!),
    colors: () => city.colors.set(city.colors.get() === 'state' ? 'provider' : 'state'),
    find: () => {
      panel.showFigures();
      const field = document.getElementById('find');
      if (field === null) requestAnimationFrame(() => document.getElementById('find')?.focus());
      else field.focus();
    },
  };
}
