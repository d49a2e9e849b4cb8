import './bar.css';
import type { ReactNode } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatDuration } from '../format.js';
import {
  DeadLettersIcon,
  FeedsIcon,
  HelpIcon,
  MapIcon,
  MoonIcon,
  PanelIcon,
  SignOutIcon,
  SunIcon,
  SystemIcon,
  TableIcon,
  TripsIcon,
} from '../icons.js';
import { AlertsButton } from './alerts-button.js';
import { freshnessOf, newestEventAge, type Liveness } from '../liveness/liveness.js';
import { useNow } from '../liveness/use-liveness.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { nextTheme, type ThemeChoice } from '../theme/theme.js';

const themeIcons: Readonly<Record<ThemeChoice, () => ReactNode>> = {
  system: SystemIcon,
  light: SunIcon,
  dark: MoonIcon,
};

/** The pages that are shown instead of the map. */
interface PageButtonsProps {
  readonly showsTrips: boolean;
  readonly toggleTrips: () => void;
  readonly showsFeeds: boolean;
  readonly toggleFeeds: () => void;
  readonly showsDeadLetters: boolean;
  readonly toggleDeadLetters: () => void;
}

interface BarProps {
  readonly liveness: Liveness;
  readonly canShowMap: boolean;
  readonly showsTable: boolean;
  readonly onToggleTable: () => void;
  readonly panelIsOpen: boolean;
  readonly onTogglePanel: () => void;
  /** Whether the map or the table is shown. */
  readonly showsCity: boolean;
  readonly pages: PageButtonsProps;
  readonly onHelp: () => void;
}

/** The bar at the top: the city, whether the data is live, and the controls. */
export function Bar({
  liveness,
  canShowMap,
  showsTable,
  onToggleTable,
  panelIsOpen,
  onTogglePanel,
  showsCity,
  pages,
  onHelp,
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
        {liveness.label === 'PAST' || <FreshnessWords />}
      </div>
      <div className="bar-controls">
        {showsCity && (
          <BarButton
            label="Figures panel"
            title={`Figures panel (${keyOf('panel')})`}
            isPressed={panelIsOpen}
            onClick={onTogglePanel}
          >
            <PanelIcon />
          </BarButton>
        )}
        {canShowMap && showsCity && (
          <BarButton
            label={showsTable ? 'Show the map' : 'Show the table'}
            title={`${showsTable ? 'Map' : 'Table'} (${keyOf('table')})`}
            onClick={onToggleTable}
          >
            {showsTable ? <MapIcon /> : <TableIcon />}
          </BarButton>
        )}
        {showsCity && <AlertsButton />}
        {isSignedOut || <PageButtons {...pages} />}
        <ThemeButton />
        <KeysButton onClick={onHelp} />
        {signOut !== null && (
          <BarButton label="Sign out" title="Sign out" onClick={signOut}>
            <SignOutIcon />
          </BarButton>
        )}
      </div>
    </header>
  );
}

function PageButtons(props: PageButtonsProps) {
  const { showsTrips, toggleTrips, showsFeeds, toggleFeeds, showsDeadLetters, toggleDeadLetters } = props;
  return (
    <>
      <BarButton
        label="Trips"
        title={`Trips (${keyOf('trips')})`}
        isPressed={showsTrips}
        onClick={toggleTrips}
      >
        <TripsIcon />
      </BarButton>
      <BarButton
        label="Feeds"
        title={`Feeds (${keyOf('feeds')})`}
        isPressed={showsFeeds}
        onClick={toggleFeeds}
      >
        <FeedsIcon />
      </BarButton>
      <BarButton
        label="Dead letters"
        title={`Dead letters (${keyOf('deadLetters')})`}
        isPressed={showsDeadLetters}
        onClick={toggleDeadLetters}
      >
        <DeadLettersIcon />
      </BarButton>
    </>
  );
}

function KeysButton({ onClick }: { onClick: () => void }) {
  return (
    <span className="bar-keys">
      <BarButton label="Keys" title={`Keys (${keyOf('help')})`} onClick={onClick}>
        <HelpIcon />
      </BarButton>
    </span>
  );
}

/** A button with an icon. `isPressed` is set if it switches something on and off. */
function BarButton(props: {
  label: string;
  title: string;
  isPressed?: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  const { label, title, isPressed, onClick, children } = props;
  return (
    <button
      type="button"
      className="bar-button"
      aria-pressed={isPressed}
      aria-label={label}
      title={title}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

/** Whether the data is live, and if not, why. */
function ConnectionWords({ liveness }: { liveness: Liveness }) {
  const { connection } = useDashboard();
  const { kind } = useStore(connection.state);
  const { isLive, label, tone, words, announcement } = liveness;
  return (
    <span
      className="connection"
      data-testid="connection-state"
      data-state={kind}
      data-live={isLive}
      data-tone={tone}
    >
      <span className="connection-pill">{label}</span>
      <span className="connection-words" title={words}>
        {words}
      </span>
      <span className="visually-hidden" role="status">
        {announcement}
      </span>
    </span>
  );
}

/** The age of the newest event in the city. */
function FreshnessWords() {
  const { city } = useDashboard();
  const ageMs = newestEventAge({ tick: useStore(city.live.tick), now: useNow() });
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

/** Switches to the next theme. */
function ThemeButton() {
  const { theme } = useDashboard();
  const choice = useStore(theme.choice);
  const Icon = themeIcons[choice];
  return (
    <BarButton
      label={`Theme: ${choice}. Change to ${nextTheme(choice)}`}
      title={`Theme: ${choice} (${keyOf('theme')})`}
      onClick={() => theme.chooseNext()}
    >
      <Icon />
    </BarButton>
  );
}
