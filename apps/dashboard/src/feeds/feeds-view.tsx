import '../lists/lists.css';
import './feeds.css';
import type { FeedHealth, FeedList } from '@hailstream/events/feeds';
import { useDashboard } from '../dashboard.js';
import { formatCount, shortId } from '../format.js';
import { ListRows, ListView } from '../lists/list-view.js';
import { t } from '../locale/text.js';
import { useShortcuts } from '../shortcuts.js';
import { useStore } from '../store.js';
import { UnreadableNote } from '../trips/unreadable-note.js';
import { useRequest } from '../use-request.js';
import { FeedCard } from './feed-card.js';
import { FeedStatusMark } from './feed-status-mark.js';
import { findingTexts, latenessWords, rateWords, shareWords, summaryWords, totalRate } from './feed-words.js';
import { Trend } from './trend.js';

/** How often the list is requested again. */
const REFRESH_EVERY_MS = 5_000;

/** The feeds of all providers, worst first, and the one that is open. */
export function FeedsView() {
  const { history, view } = useDashboard();
  const opened = useStore(view.feed);
  const isPast = useStore(history.at) !== null;
  const { body, failure } = useRequest<FeedList>('/feeds', REFRESH_EVERY_MS);
  useShortcuts({ close: opened === null ? undefined : () => view.feed.set(null) });
  const feed = body?.feeds.find(({ provider_id: provider }) => provider === opened);
  return (
    <ListView
      title={t('feeds.title')}
      testId="feeds"
      total={body === null ? t('feeds.loading') : totalWords(body)}
      failure={failure === null ? null : t('feeds.failed', { reason: failure })}
      note={body !== null && <UnreadableNote of="unreadable.audits" count={body.unreadableAuditRecords} />}
      controls={<p className="feeds-now">{t(isPast ? 'feeds.nowNotPast' : 'feeds.now')}</p>}
      detail={
        opened === null || body === null ? null : (
          <FeedCard
            key={opened}
            providerId={opened}
            feed={feed}
            asOf={body.asOf}
            onClose={() => view.feed.set(null)}
          />
        )
      }
    >
      <ListRows label={t('feeds.providers')}>
        {body?.feeds.length === 0 && <p className="list-empty">{t('feeds.empty')}</p>}
        {body !== null && body.feeds.length > 0 && (
          <FeedTable feeds={body.feeds} opened={opened} onOpen={(provider) => view.feed.set(provider)} />
        )}
      </ListRows>
    </ListView>
  );
}

function totalWords({ feeds, unmeasured }: FeedList): string {
  const summary = summaryWords(feeds);
  return unmeasured ? t('feeds.unmeasured', { summary }) : summary;
}

function FeedTable(props: {
  feeds: readonly FeedHealth[];
  opened: string | null;
  onOpen: (providerId: string) => void;
}) {
  const { feeds, opened, onOpen } = props;
  return (
    <table className="list-table feeds" data-testid="feeds-table">
      <thead>
        <tr>
          <th scope="col">{t('feeds.provider')}</th>
          <th scope="col">{t('feeds.status')}</th>
          <th scope="col" className="feeds-number">
            {t('feeds.events')}
          </th>
          <th scope="col" className="feeds-chart">
            <span className="visually-hidden">{t('feed.trend.events')}</span>
          </th>
          <th scope="col" className="feeds-number">
            {t('feeds.late')}
          </th>
          <th scope="col" className="feeds-chart">
            <span className="visually-hidden">{t('feed.trend.lateness')}</span>
          </th>
          <th scope="col" className="feeds-number feeds-wide">
            {t('feeds.rejected')}
          </th>
          <th scope="col" className="feeds-number feeds-wide">
            {t('feeds.vehicles')}
          </th>
          <th scope="col" className="feeds-findings">
            {t('feeds.findings')}
          </th>
        </tr>
      </thead>
      <tbody>
        {feeds.map((feed) => (
          <FeedRow key={feed.provider_id} feed={feed} isOpen={feed.provider_id === opened} onOpen={onOpen} />
        ))}
      </tbody>
    </table>
  );
}

function FeedRow(props: { feed: FeedHealth; isOpen: boolean; onOpen: (providerId: string) => void }) {
  const { feed, isOpen, onOpen } = props;
  const { provider_id: provider, status, windows, minutes, vehicles, silentVehicles, findings } = feed;
  const [minute, quarter] = windows;
  return (
    <tr aria-current={isOpen} data-status={status}>
      <th scope="row">
        <button
          type="button"
          className="link-button"
          title={t('card.provider', { id: provider })}
          onClick={() => onOpen(provider)}
        >
          {shortId(provider)}
        </button>
      </th>
      <td>
        <span className="feed-status">
          <FeedStatusMark status={status} />
          {t(`feed.status.${status}`)}
        </span>
      </td>
      <td className="feeds-number">{minute === undefined ? '' : rateWords(totalRate(minute))}</td>
      <td className="feeds-chart">
        <Trend values={minutes.eventsPerSecond} label={t('feed.trend.events')} />
      </td>
      <td className="feeds-number">{minute === undefined ? '' : latenessWords(minute, 'p50')}</td>
      <td className="feeds-chart">
        <Trend values={minutes.latenessP50} label={t('feed.trend.lateness')} />
      </td>
      <td className="feeds-number feeds-wide">{shareWords(quarter?.rejectedShare ?? null)}</td>
      <td className="feeds-number feeds-wide">
        {formatCount(vehicles)}
        {silentVehicles > 0 && (
          <span className="feeds-silent"> {t('feeds.silent', { count: formatCount(silentVehicles) })}</span>
        )}
      </td>
      <td className="feeds-findings">
        {findings.length === 0 ? (
          <span className="feeds-none">{t('feeds.noFindings')}</span>
        ) : (
          findings.map((finding) => findingTexts(finding)[0]).join('; ')
        )}
      </td>
    </tr>
  );
}
