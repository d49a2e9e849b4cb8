import type { StyleFailure } from '../map-style/map-style.js';
import { useDashboard } from '../dashboard.js';
import { t } from '../locale/text.js';

/** Says that the map has the built-in style, because the configured one does not work. */
export function StyleNotice({ failure }: { failure: StyleFailure }) {
  const { city } = useDashboard();
  return (
    <p className="toast" role="status" data-testid="style-failure">
      {t('notice.mapStyle', { reason: reasonOf(failure) })}{' '}
      <button type="button" className="link-button" onClick={() => city.styleFailure.set(null)}>
        {t('common.dismiss')}
      </button>
    </p>
  );
}

function reasonOf(failure: StyleFailure): string {
  switch (failure.kind) {
    case 'unreachable':
      return t('mapStyle.unreachable');
    case 'status':
      return t('mapStyle.status', { status: failure.status });
    case 'invalid':
      return t('mapStyle.invalid', { reason: failure.reason });
    case 'tiles':
      return failure.reason === null
        ? t('mapStyle.tiles')
        : t('mapStyle.tilesReason', { reason: failure.reason });
  }
}
