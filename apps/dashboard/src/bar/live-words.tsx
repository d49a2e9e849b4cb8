import { useDashboard } from '../dashboard.js';
import { formatDuration } from '../format.js';
import { freshnessOf, newestEventAge, type Liveness } from '../liveness/liveness.js';
import { useNow } from '../liveness/use-liveness.js';
import { useStore } from '../store.js';
import { t } from '../locale/text.js';

const labelKeys = {
  LIVE: 'live.label.live',
  'NOT LIVE': 'live.label.notLive',
  PAST: 'live.label.past',
} as const;

/** Whether the data is live, and how old it is. */
export function LiveWords({ liveness }: { liveness: Liveness }) {
  return (
    <div className="bar-live">
      <ConnectionWords liveness={liveness} />
      {liveness.label === 'PAST' || <FreshnessWords />}
    </div>
  );
}

/** Whether the data is live, and if not, why. */
function ConnectionWords({ liveness }: { liveness: Liveness }) {
  const { connection } = useDashboard();
  const { kind } = useStore(connection.state);
  const { isLive, label, tone, words, brief, announcement } = liveness;
  return (
    <span
      className="connection"
      data-testid="connection-state"
      data-state={kind}
      data-live={isLive}
      data-tone={tone}
    >
      <span className="connection-pill">{t(labelKeys[label])}</span>
      <span className="connection-words" data-label={t(labelKeys[label])} title={words}>
        <span className="connection-all">{words}</span>
        <span className="connection-brief">{brief}</span>
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
