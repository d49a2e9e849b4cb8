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
  SettingsIcon,
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
import { t } from '../locale/text.js';

const labelKeys = {
  LIVE: 'live.label.live',
  'NOT LIVE': 'live.label.notLive',
  PAST: 'live.label.past',
} as const;

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
  readonly onSettings: () => void;
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
  onSettings,
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
            label={t('bar.figures')}
            title={`${t('bar.figures')} (${keyOf('panel')})`}
            isPressed={panelIsOpen}
            onClick={onTogglePanel}
          >
            <PanelIcon />
          </BarButton>
        )}
        {canShowMap && showsCity && (
          <BarButton
            label={t(showsTable ? 'bar.showMap' : 'bar.showTable')}
            title={`${t(showsTable ? 'bar.map' : 'bar.table')} (${keyOf('table')})`}
            onClick={onToggleTable}
          >
            {showsTable ? <MapIcon /> : <TableIcon />}
          </BarButton>
        )}
        {showsCity && <AlertsButton />}
        {isSignedOut || <PageButtons {...pages} />}
        <ThemeButton />
        <BarButton
          label={t('settings.open')}
          title={`${t('settings.open')} (${keyOf('settings')})`}
          onClick={onSettings}
        >
          <SettingsIcon />
        </BarButton>
        <KeysButton onClick={onHelp} />
        {signOut !== null && (
          <BarButton label={t('bar.signOut')} title={t('bar.signOut')} onClick={signOut}>
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
        label={t('bar.trips')}
        title={`${t('bar.trips')} (${keyOf('trips')})`}
        isPressed={showsTrips}
        onClick={toggleTrips}
      >
        <TripsIcon />
      </BarButton>
      <BarButton
        label={t('bar.feeds')}
        title={`${t('bar.feeds')} (${keyOf('feeds')})`}
        isPressed={showsFeeds}
        onClick={toggleFeeds}
      >
        <FeedsIcon />
      </BarButton>
      <BarButton
        label={t('bar.deadLetters')}
        title={`${t('bar.deadLetters')} (${keyOf('deadLetters')})`}
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
      <BarButton label={t('bar.keys')} title={`${t('bar.keys')} (${keyOf('help')})`} onClick={onClick}>
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
      <span className="connection-pill">{t(labelKeys[label])}</span>
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
      <span className="freshness-label">{t('bar.newest')} </span>
      <span className="freshness-age">
        {formatDuration(ageMs)}
        <span className="freshness-ago"> {t('bar.ago')}</span>
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
      label={t('bar.themeNext', { choice: t(`theme.${choice}`), next: t(`theme.${nextTheme(choice)}`) })}
      title={`${t('bar.theme', { choice: t(`theme.${choice}`) })} (${keyOf('theme')})`}
      onClick={() => theme.chooseNext()}
    >
      <Icon />
    </BarButton>
  );
}
