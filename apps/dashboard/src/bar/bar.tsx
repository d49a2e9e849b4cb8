import './bar.css';
import type { ReactNode } from 'react';
import { useDashboard } from '../dashboard.js';
import {
  DeadLettersIcon,
  FeedsIcon,
  HelpIcon,
  MapIcon,
  MoonIcon,
  PanelIcon,
  ReportsIcon,
  SettingsIcon,
  SignOutIcon,
  SunIcon,
  SystemIcon,
  TableIcon,
  TripsIcon,
} from '../icons.js';
import { AlertsButton } from './alerts-button.js';
import { BarName } from './bar-name.js';
import { LiveWords } from './live-words.js';
import type { Liveness } from '../liveness/liveness.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';
import { nextTheme, type ThemeChoice } from '../theme/theme.js';
import { t } from '../locale/text.js';

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
  readonly showsReports: boolean;
  readonly toggleReports: () => void;
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
  const { connection, session } = useDashboard();
  const user = useStore(session.user);
  const isSignedOut = useStore(connection.state).kind === 'signed-out';
  return (
    <header className="bar">
      <BarName />
      <LiveWords liveness={liveness} />
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
        {user !== null && (
          <BarButton
            label={t('bar.signOut')}
            title={user.name === null ? t('bar.signOut') : t('bar.signOutOf', { name: user.name })}
            onClick={() => void session.signOut()}
          >
            <SignOutIcon />
          </BarButton>
        )}
      </div>
    </header>
  );
}

function PageButtons(props: PageButtonsProps) {
  const { showsTrips, toggleTrips, showsFeeds, toggleFeeds } = props;
  const { showsReports, toggleReports, showsDeadLetters, toggleDeadLetters } = props;
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
        label={t('bar.reports')}
        title={`${t('bar.reports')} (${keyOf('reports')})`}
        isPressed={showsReports}
        onClick={toggleReports}
      >
        <ReportsIcon />
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
