import '../notices/notices.css';
import { vehiclesOf } from '../city-state/vehicles-of.js';
import { useDashboard } from '../dashboard.js';
import { RichText } from '../locale/rich-text.js';
import { t } from '../locale/text.js';
import { StyleNotice } from '../notices/style-notice.js';
import { Toast } from '../notices/toast.js';
import { useDerived, useStore } from '../store.js';
import { FullPageLink } from './full-page-link.js';

/** Why the map of a frame shows nothing. `onRetry` is `null` unless the browser could not draw it. */
export function EmbedNotice({ onRetry }: { onRetry: (() => void) | null }) {
  const { city, connection } = useDashboard();
  const state = useStore(connection.state);
  const isEmpty = useDerived(
    useStore(city.shown).tick,
    (tick) => tick !== null && vehiclesOf(tick.figures) === 0,
  );
  const styleFailure = useStore(city.styleFailure);
  if (state.kind === 'signed-out') return <SignInHint hadToken={state.hadToken} />;
  if (onRetry !== null) {
    return (
      <section className="notice" role="alert" data-testid="no-map">
        <p>{t('embed.noMap')}</p>
        <p>
          <button type="button" className="link-button" onClick={onRetry}>
            {t('common.tryAgain')}
          </button>
        </p>
        <p>
          <FullPageLink className="link-button">{t('embed.open')}</FullPageLink>
        </p>
      </section>
    );
  }
  if (isEmpty && state.kind === 'connected') {
    return <Toast>{t('notice.noVehicles')}</Toast>;
  }
  return styleFailure === null ? null : <StyleNotice failure={styleFailure} />;
}

/** How the frame gets a token. Nothing of it leads the frame to another page. */
function SignInHint({ hadToken }: { hadToken: boolean }) {
  return (
    <section className="notice" role="alert" data-testid="signed-out">
      <h2>{t(hadToken ? 'notice.invalidLink' : 'notice.signIn')}</h2>
      <p>
        <RichText of="embed.signIn" values={{ hash: <code>#token=</code> }} />
      </p>
      <p>
        <FullPageLink className="link-button">{t('embed.open')}</FullPageLink>
      </p>
    </section>
  );
}
