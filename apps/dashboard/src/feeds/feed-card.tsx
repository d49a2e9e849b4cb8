import type { FeedFinding, FeedHealth, FeedWindow } from '@hailstream/events/feeds';
import { useDashboard } from '../dashboard.js';
import { formatAge, formatCount, formatMoment, shortId } from '../format.js';
import { ListCard } from '../lists/list-card.js';
import { plural, t } from '../locale/text.js';
import { FeedStatusMark } from './feed-status-mark.js';
import { evidenceWords, findingTexts, measureRows, rateWords, shareWords, totalRate } from './feed-words.js';
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
    <ListCard
      title={t('card.provider', { id: shortId(providerId) })}
      id={providerId}
      label={t('feed.label', { id: providerId })}
      closeLabel={t('feed.close')}
      testId="feed-card"
      onClose={onClose}
    >
      {feed === undefined ? (
        <p className="card-nothing">{t('feed.noEvents')}</p>
      ) : (
        <Feed feed={feed} asOf={asOf} />
      )}
    </ListCard>
  );
}

function Feed({ feed, asOf }: { feed: FeedHealth; asOf: number }) {
  const { status, findings, lastReceivedAt, measuredSince, minutes } = feed;
  const since = formatMoment(measuredSince, asOf);
  return (
    <>
      <p className="feed-summary">
        <span className="feed-status">
          <FeedStatusMark status={status} />
          {t(`feed.status.${status}`)}
        </span>
        <span className="feed-quiet">
          {lastReceivedAt === null
            ? t('feed.lastEventUnknown', { time: since })
            : t('feed.lastEvent', { age: formatAge(asOf - lastReceivedAt), time: since })}
        </span>
      </p>
      {findings.length === 0 && (
        <p className="card-nothing">{t(status === 'unknown' ? 'feed.tooFew' : 'feed.healthy')}</p>
      )}
      <ol className="feed-findings" data-testid="feed-findings">
        {findings.map((finding) => (
          <Finding key={finding.finding} finding={finding} asOf={asOf} />
        ))}
      </ol>
      <section className="card-section">
        <h3>{t('feed.lastHour')}</h3>
        <div className="feed-trends">
          <figure>
            <Trend values={minutes.eventsPerSecond} label={t('feed.trend.events')} />
            <figcaption>{t('feed.measure.events')}</figcaption>
          </figure>
          <figure>
            <Trend values={minutes.latenessP99} label={t('feed.trend.lateness99')} />
            <figcaption>{t('feed.measure.latenessP99')}</figcaption>
          </figure>
          <figure>
            <Trend values={minutes.rejectedShare} label={t('feed.trend.rejected')} />
            <figcaption>{t('feed.measure.rejected')}</figcaption>
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
  const { severity, since } = finding;
  const evidence = evidenceWords(finding);
  const [title, cause, fix] = findingTexts(finding);
  return (
    <li className="feed-finding" data-finding={finding.finding} data-severity={severity}>
      <h3>
        <FeedStatusMark status={severity} />
        <span className="visually-hidden">{t(`severity.${severity}`)}: </span>
        {title}
      </h3>
      <p className="feed-quiet">{t('feed.evidence', { time: formatMoment(since, asOf), evidence })}</p>
      <dl>
        <dt>{t('feed.cause')}</dt>
        <dd>{cause}</dd>
        <dt>{t('feed.fix')}</dt>
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
      <h3>{t('feed.measures')}</h3>
      <table className="feed-measures">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">{t('feed.measure')}</span>
            </th>
            {windows.map(({ name }) => (
              <th key={name} scope="col">
                {t(`feed.window.${name}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">{t('feed.measure.events')}</th>
            {windows.map((window) => (
              <td key={window.name}>{rateWords(totalRate(window))}</td>
            ))}
          </tr>
          {topics.map((topic) => (
            <tr key={topic}>
              <th scope="row">{t('feed.measure.eventsIn', { topic })}</th>
              {windows.map(({ name, eventsPerSecond }) => (
                <td key={name}>{rateWords(eventsPerSecond[topic] ?? 0)}</td>
              ))}
            </tr>
          ))}
          {measureRows.map(({ name, value }) => (
            <tr key={name}>
              <th scope="row">{t(`feed.measure.${name}`)}</th>
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
      <h3>{t('feed.rejectedByReason')}</h3>
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
      <h3>{plural('feed.silent', silentVehicles)}</h3>
      <ul className="feed-silent">
        {silentDeviceIds.map((deviceId) => (
          <li key={deviceId}>
            <button
              type="button"
              className="link-button"
              title={t('feed.device', { id: deviceId })}
              onClick={() => show(deviceId)}
            >
              {shortId(deviceId)}
            </button>
          </li>
        ))}
        {silentVehicles > silentDeviceIds.length && (
          <li>{t('feed.silentMore', { count: formatCount(silentVehicles - silentDeviceIds.length) })}</li>
        )}
      </ul>
    </section>
  );
}
