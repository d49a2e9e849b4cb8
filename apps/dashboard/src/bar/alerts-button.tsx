import { useDashboard } from '../dashboard.js';
import { formatShortCount } from '../format.js';
import { BellIcon } from '../icons.js';
import { t } from '../locale/text.js';
import { keyOf } from '../shortcuts.js';
import { useStore } from '../store.js';

/** Opens the alerts, and says how many are open. */
export function AlertsButton() {
  const { alerts } = useDashboard();
  const counts = useStore(alerts.counts);
  const isOpen = useStore(alerts.page) !== 'closed';
  const { critical, warning, info } = counts?.open ?? { critical: 0, warning: 0, info: 0 };
  const open = critical + warning + info;
  const words = openAlerts(open, critical);
  return (
    <button
      type="button"
      className="bar-button bar-alerts"
      aria-pressed={isOpen}
      aria-label={words}
      title={`${words} (${keyOf('alerts')})`}
      data-testid="alerts-button"
      onClick={() => alerts.toggle()}
    >
      <BellIcon />
      {open > 0 && (
        <span className="bar-alerts-count" data-critical={critical > 0} aria-hidden="true">
          {critical > 0 && '!'}
          {formatShortCount(open)}
        </span>
      )}
      <span className="visually-hidden" role="status">
        {open > 0 ? words : ''}
      </span>
    </button>
  );
}

function openAlerts(open: number, critical: number): string {
  if (open === 0) return t('bar.alerts.none');
  return critical > 0 ? t('bar.alerts.critical', { open, critical }) : t('bar.alerts.open', { open });
}
