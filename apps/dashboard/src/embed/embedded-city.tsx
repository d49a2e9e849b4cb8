import './embed.css';
import '../bar/bar.css';
import { BarName } from '../bar/bar-name.js';
import { LiveWords } from '../bar/live-words.js';
import { useDashboard } from '../dashboard.js';
import { useDemand } from '../heat/use-demand.js';
import { OpenPageIcon } from '../icons.js';
import { useDocumentData } from '../liveness/use-document-data.js';
import { useLiveness } from '../liveness/use-liveness.js';
import { locale } from '../locale/locale.js';
import { t } from '../locale/text.js';
import { CityMap } from '../map/city-map.js';
import { useCanShowMap } from '../map/use-can-show-map.js';
import { IgnoredParameters } from '../notices/ignored-parameters.js';
import { useProviders } from '../panel/providers.js';
import { useShortcuts } from '../shortcuts.js';
import { useStore } from '../store.js';
import { useZones } from '../zones/use-zones.js';
import { EmbedNotice } from './embed-notice.js';
import { FullPageLink } from './full-page-link.js';

/** The page for a frame of another page: the map, its title, and whether it is live. */
export function EmbeddedCity() {
  const { city, connection } = useDashboard();
  useStore(locale);
  const isSignedOut = useStore(connection.state).kind === 'signed-out';
  const [canDraw, setCanDraw] = useCanShowMap();
  useProviders();
  useDemand();
  useZones();
  const liveness = useLiveness({ showsMap: true });
  useDocumentData(liveness);
  useShortcuts({ close: () => city.select(null) });
  return (
    <div className="app" data-embed="true" data-panel="folded" data-card="closed">
      <header className="bar">
        <BarName />
        <LiveWords liveness={liveness} />
        <FullPageLink className="bar-button" label={t('embed.open')}>
          <OpenPageIcon />
        </FullPageLink>
      </header>
      <main className="stage">
        {canDraw && !isSignedOut && <CityMap isShown isOutdated={liveness.isOutdated} onSlow={ignoreSlow} />}
      </main>
      <EmbedNotice onRetry={canDraw ? null : () => setCanDraw(true)} />
      <IgnoredParameters />
    </div>
  );
}

/** A slow browser draws less often; in a frame there is no room to explain it. */
function ignoreSlow(): void {}
