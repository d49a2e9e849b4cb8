import './feeds.css';
import type { FeedHealth, FeedList } from '@hailstream/events/feeds';
import { useDashboard } from '../dashboard.js';
import { formatCount, shortId } from '../format.js';
import { useShortcuts } from '../shortcuts.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { FeedCard } from './feed-card.js';
import { FeedStatusMark } from './feed-status-mark.js';
import { rateWords, shareWords, statusWords, summaryWords, timeWords, totalRate } from './feed-words.js';
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
    <section className="letters" aria-labelledby="feeds-heading" data-opened={opened !== null}>
      <header className="letters-header">
        <h2 id="feeds-heading">Feeds</h2>
        <p className="letters-total" role="status" data-testid="feeds-total">
          {body === null ? 'loading' : summaryWords(body.feeds)}
          {body?.unmeasured === true && '; there are more providers than are measured'}
        </p>
        <p className="feeds-now">{isPast ? 'Now, not at the chosen moment' : 'Now'}</p>
      </header>
      {failure !== null && (
        <p className="letters-failure" role="alert">
          The feeds cannot be loaded: {failure}. Trying again.
        </p>
      )}
      <div className="letters-columns">
        <div className="letters-list feeds-list" role="region" aria-label="Providers" tabIndex={0}>
          {body?.feeds.length === 0 && (
            <p className="letters-none">No provider has sent events. Feeds appear with their first event.</p>
          )}
          {body !== null && body.feeds.length > 0 && (
            <FeedTable feeds={body.feeds} opened={opened} onOpen={(provider) => view.feed.set(provider)} />
          )}
        </div>
        {opened !== null && body !== null && (
          <FeedCard
            key={opened}
            providerId={opened}
            feed={feed}
            asOf={body.asOf}
            onClose={() => view.feed.set(null)}
          />
        )}
      </div>
    </section>
  );
}

function FeedTable(props: {
  feeds: readonly FeedHealth[];
  opened: string | null;
  onOpen: (providerId: string) => void;
}) {
  const { feeds, opened, onOpen } = props;
  return (
    <table className="feeds" data-testid="feeds-table">
      <thead>
        <tr>
          <th scope="col">Provider</th>
          <th scope="col">Status</th>
          <th scope="col" className="feeds-number">
            Events/s
          </th>
          <th scope="col" className="feeds-chart">
            <span className="visually-hidden">Events per second in the last hour</span>
          </th>
          <th scope="col" className="feeds-number">
            Late
          </th>
          <th scope="col" className="feeds-chart">
            <span className="visually-hidden">Lateness in the last hour</span>
          </th>
          <th scope="col" className="feeds-number feeds-wide">
            Rejected
          </th>
          <th scope="col" className="feeds-number feeds-wide">
            Vehicles
          </th>
          <th scope="col" className="feeds-findings">
            Findings
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
          title={`Provider ${provider}`}
          onClick={() => onOpen(provider)}
        >
          {shortId(provider)}
        </button>
      </th>
      <td>
        <span className="feed-status">
          <FeedStatusMark status={status} />
          {statusWords[status]}
        </span>
      </td>
      <td className="feeds-number">{minute === undefined ? '' : rateWords(totalRate(minute))}</td>
      <td className="feeds-chart">
        <Trend values={minutes.eventsPerSecond} label="Events per second in the last hour" />
      </td>
      <td className="feeds-number">{timeWords(minute?.lateness.p50 ?? null)}</td>
      <td className="feeds-chart">
        <Trend values={minutes.latenessP50} label="Lateness in the last hour" />
      </td>
      <td className="feeds-number feeds-wide">{shareWords(quarter?.rejectedShare ?? null)}</td>
      <td className="feeds-number feeds-wide">
        {formatCount(vehicles)}
        {silentVehicles > 0 && <span className="feeds-silent"> ({formatCount(silentVehicles)} silent)</span>}
      </td>
      <td className="feeds-findings">
        {findings.length === 0 ? (
          <span className="feeds-none">None</span>
        ) : (
          findings.map(({ title }) => title).join('; ')
        )}
      </td>
    </tr>
  );
}
