import '../card/card.css';
import type { FeedFinding, FeedHealth, FeedWindow } from '@hailstream/events/feeds';
import { useDashboard } from '../dashboard.js';
import { formatAge, formatCount, formatMoment, shortId } from '../format.js';
import { CloseIcon } from '../icons.js';
import { FeedStatusMark } from './feed-status-mark.js';
import { measureRows, rateWords, severityWords, shareWords, statusWords, totalRate } from './feed-words.js';
import { Trend } from './trend.js';

/** What is wrong with one provider's feed, with cause and fix, and all of its measures. */
export function FeedCard(props: {
  providerId: string;
  feed: FeedHealth | undefined;
  asOf: number;
  onClose: () => void;
}) {
  const { providerId, feed, asOf, onClose } = props;
  return (
    <aside className="letter" aria-label={`Feed of provider ${providerId}`} data-testid="feed-card">
      <header className="card-header">
        <div>
          <h2>Provider {shortId(providerId)}</h2>
          <p className="card-id letter-id">{providerId}</p>
        </div>
        <button
          type="button"
          className="bar-button"
          aria-label="Close the feed"
          title="Close (Esc)"
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </header>
      <div className="card-body" tabIndex={0}>
        {feed === undefined ? (
          <p className="card-nothing">This provider has sent no events.</p>
        ) : (
          <Feed feed={feed} asOf={asOf} />
        )}
      </div>
    </aside>
  );
}

function Feed({ feed, asOf }: { feed: FeedHealth; asOf: number }) {
  const { status, findings, lastReceivedAt, measuredSince, minutes } = feed;
  return (
    <>
      <p className="feed-summary">
        <span className="feed-status">
          <FeedStatusMark status={status} />
          {statusWords[status]}
        </span>
        <span className="feed-quiet">
          last event {lastReceivedAt === null ? 'not known' : `${formatAge(asOf - lastReceivedAt)} ago`};
          measured since {formatMoment(measuredSince, asOf)}
        </span>
      </p>
      {findings.length === 0 && (
        <p className="card-nothing">
          {status === 'unknown' ? 'Too few events to judge the feed.' : 'Nothing is wrong with this feed.'}
        </p>
      )}
      <ol className="feed-findings" data-testid="feed-findings">
        {findings.map((finding) => (
          <Finding key={finding.finding} finding={finding} asOf={asOf} />
        ))}
      </ol>
      <section className="card-section">
        <h3>Last hour</h3>
        <div className="feed-trends">
          <figure>
            <Trend values={minutes.eventsPerSecond} label="Events per second in the last hour" />
            <figcaption>Events per second</figcaption>
          </figure>
          <figure>
            <Trend values={minutes.latenessP99} label="Lateness of 99 of 100 events in the last hour" />
            <figcaption>Lateness, 99 of 100</figcaption>
          </figure>
          <figure>
            <Trend values={minutes.rejectedShare} label="Share of rejected items in the last hour" />
            <figcaption>Rejected items</figcaption>
          </figure>
        </div>
      </section>
      <Measures windows={feed.windows} />
      <Rejected windows={feed.windows} />
      <Silent feed={feed} />
    </>
  );
}

function Finding({ finding, asOf }: { finding: FeedFinding; asOf: number }) {
  const { title, severity, since, evidence, cause, fix } = finding;
  return (
    <li className="feed-finding" data-finding={finding.finding} data-severity={severity}>
      <h3>
        <FeedStatusMark status={severity} />
        <span className="visually-hidden">{severityWords[severity]}: </span>
        {title}
      </h3>
      <p className="feed-quiet">
        Since {formatMoment(since, asOf)}: {evidence}.
      </p>
      <dl>
        <dt>Likely cause</dt>
        <dd>{cause}</dd>
        <dt>Fix</dt>
        <dd>{fix}</dd>
      </dl>
    </li>
  );
}

/** All measures, a column for each window. */
function Measures({ windows }: { windows: readonly FeedWindow[] }) {
  const topics = Object.keys(windows[0]?.eventsPerSecond ?? {});
  return (
    <section className="card-section">
      <h3>Measures</h3>
      <table className="feed-measures">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">Measure</span>
            </th>
            {windows.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Events per second</th>
            {windows.map((window) => (
              <td key={window.name}>{rateWords(totalRate(window))}</td>
            ))}
          </tr>
          {topics.map((topic) => (
            <tr key={topic}>
              <th scope="row">in {topic}</th>
              {windows.map(({ name, eventsPerSecond }) => (
                <td key={name}>{rateWords(eventsPerSecond[topic] ?? 0)}</td>
              ))}
            </tr>
          ))}
          {measureRows.map(({ label, value }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {windows.map((window) => (
                <td key={window.name}>{value(window)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Rejected({ windows }: { windows: readonly FeedWindow[] }) {
  const hour = windows.at(-1);
  if (hour === undefined || hour.rejectedByReason.length === 0) return null;
  return (
    <section className="card-section">
      <h3>Rejected in the last hour, by reason</h3>
      <dl className="feed-reasons">
        {hour.rejectedByReason.map(({ reason, count }) => (
          <div key={reason}>
            <dt>{reason}</dt>
            <dd>
              {formatCount(count)} ({shareWords(count / Math.max(1, hour.received))})
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The vehicles that should send; each opens on the map. */
function Silent({ feed }: { feed: FeedHealth }) {
  const { city, view } = useDashboard();
  const { provider_id: providerId, silentDeviceIds, silentVehicles } = feed;
  if (silentVehicles === 0) return null;
  const show = (deviceId: string): void => {
    view.page.set('map');
    city.select({ deviceId, providerId });
  };
  return (
    <section className="card-section">
      <h3>{formatCount(silentVehicles)} vehicles in service are silent</h3>
      <ul className="feed-silent">
        {silentDeviceIds.map((deviceId) => (
          <li key={deviceId}>
            <button
              type="button"
              className="link-button"
              title={`Device ${deviceId}`}
              onClick={() => show(deviceId)}
            >
              {shortId(deviceId)}
            </button>
          </li>
        ))}
        {silentVehicles > silentDeviceIds.length && (
          <li>and {formatCount(silentVehicles - silentDeviceIds.length)} more</li>
        )}
      </ul>
    </section>
  );
}
