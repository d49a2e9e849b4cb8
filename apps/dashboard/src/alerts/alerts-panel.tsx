import './alerts.css';
import type { Alert, AlertPage } from '@hailstream/events/alerts';
import { useState } from 'react';
import { useDashboard } from '../dashboard.js';
import { formatCount, formatDuration, formatMoment, shortId } from '../format.js';
import { CloseIcon } from '../icons.js';
import { useNow } from '../liveness/use-liveness.js';
import { keyOf } from '../shortcuts.js';
import { RichText } from '../locale/rich-text.js';
import { plural, t } from '../locale/text.js';
import { useStore } from '../store.js';
import { useRequest } from '../use-request.js';
import { ZonesList } from '../zones/zones-list.js';
import type { AlertsPage } from '../alert-state/alerts-state.js';
import { SeverityIcon } from './severity-icon.js';
import { summaryWords } from './summary-words.js';
import { showSubject } from './show-subject.js';

const PAGE_ALERTS = 50;
/** The service returns no more at once. */
const MAX_ALERTS = 500;
/** How often the list is requested again if nothing changes: it also has problems of the service. */
const REFRESH_EVERY_MS = 10_000;

const tabs = ['current', 'cleared', 'zones'] as const satisfies readonly AlertsPage[];

/** The alerts, and the zones that they are about. It takes the place of the figures. */
export function AlertsPanel() {
  const { alerts, history } = useDashboard();
  const page = useStore(alerts.page);
  const isPast = useStore(history.at) !== null;
  return (
    <aside className="panel alerts" aria-label={t('alerts.label')} data-testid="alerts-panel">
      <header className="alerts-header">
        <div className="alerts-tabs" role="group" aria-label={t('alerts.tabs')}>
          {tabs.map((name) => (
            <button
              key={name}
              type="button"
              className="alerts-tab"
              aria-pressed={page === name}
              onClick={() => alerts.page.set(name)}
            >
              {t(`alerts.tab.${name}`)}
            </button>
          ))}
        </div>
        <button
          type="button"
          className="bar-button"
          aria-label={t('alerts.close')}
          title={`${t('common.close')} (${keyOf('alerts')})`}
          onClick={() => alerts.page.set('closed')}
        >
          <CloseIcon />
        </button>
      </header>
      {isPast && <p className="alerts-note">{t('alerts.past')}</p>}
      {page === 'zones' ? <ZonesList /> : <AlertsList key={page} isCurrent={page === 'current'} />}
    </aside>
  );
}

function AlertsList({ isCurrent }: { isCurrent: boolean }) {
  const { alerts, city } = useDashboard();
  const [limit, setLimit] = useState(PAGE_ALERTS);
  const provider = useStore(city.provider);
  const query = new URLSearchParams({
    state: isCurrent ? 'open,acknowledged' : 'cleared',
    limit: String(limit),
    ...(provider !== null && { provider_id: provider }),
  });
  const changedAt = useStore(alerts.counts)?.changedAt;
  const { body, failure } = useRequest<AlertPage>(`/alerts?${query}`, REFRESH_EVERY_MS, changedAt);
  if (body === null) {
    return (
      <p className="alerts-note">
        {failure === null ? t('common.loading') : t('alerts.failed', { reason: failure })}
      </p>
    );
  }
  return (
    <>
      <Problems page={body} failure={failure} />
      {body.total === 0 && <NoAlerts hasRules={body.rules.count > 0} isCurrent={isCurrent} />}
      <ol
        className="alerts-list"
        aria-label={t(isCurrent ? 'alerts.list.current' : 'alerts.list.cleared')}
        data-testid="alerts-list"
      >
        {body.alerts.map((alert) => (
          <AlertRow key={alert.alert_id} alert={alert} mayAcknowledge={body.mayAcknowledge} />
        ))}
      </ol>
      {body.alerts.length < body.total && (
        <p className="alerts-note">
          {t('alerts.listed', {
            count: formatCount(body.alerts.length),
            total: formatCount(body.total),
          })}{' '}
          {limit < MAX_ALERTS && (
            <button type="button" className="link-button" onClick={() => setLimit(MAX_ALERTS)}>
              {t('common.showMore')}
            </button>
          )}
        </p>
      )}
    </>
  );
}

/** What keeps alerts from being complete, raised or stored. */
function Problems({ page, failure }: { page: AlertPage; failure: string | null }) {
  const { waiting, failure: refusal } = page.publication;
  const problems = [
    ...(failure === null ? [] : [t('alerts.notUpdated', { reason: failure })]),
    ...(waiting > 0 && refusal !== null ? [plural('alerts.notStored', waiting, { reason: refusal })] : []),
    ...page.rules.problems,
  ];
  if (problems.length === 0) return null;
  return (
    <ul className="alerts-problems" role="alert">
      {problems.map((problem) => (
        <li key={problem}>{problem}</li>
      ))}
    </ul>
  );
}

function NoAlerts({ hasRules, isCurrent }: { hasRules: boolean; isCurrent: boolean }) {
  if (!isCurrent) return <p className="alerts-note">{t('alerts.noneCleared')}</p>;
  return (
    <div className="alerts-empty">
      <strong>{t('alerts.none')}</strong>
      {hasRules ? (
        <p>{t('alerts.rules')}</p>
      ) : (
        <>
          <p>{t('alerts.noRules')}</p>
          <pre tabIndex={0}>{EXAMPLE}</pre>
          <p>
            <RichText
              of="alerts.start"
              values={{
                command: <code>npm start -- --alerts alerts.yaml</code>,
                setting: <code>REALTIME_ALERTS</code>,
              }}
            />
          </p>
        </>
      )}
    </div>
  );
}

const EXAMPLE = `rules:
  - id: long-waits
    kind: riders-waiting
    severity: critical
    riders: 3
    waitingFor: 10m
  - id: lost-contact
    kind: vehicle-silent
    longerThan: 5m
    states: [on_trip]`;

function AlertRow({ alert, mayAcknowledge }: { alert: Alert; mayAcknowledge: boolean }) {
  const dashboard = useDashboard();
  const now = useNow().date;
  const { severity, rule_id: ruleId, provider_id: providerId, started_at: startedAt } = alert;
  const since = formatMoment(startedAt, now);
  const summary = summaryWords(alert);
  return (
    <li className="alert" data-severity={severity} data-state={alert.state}>
      <button
        type="button"
        className="alert-subject"
        title={t('common.showOnMap')}
        onClick={() => showSubject(alert, dashboard)}
      >
        <SeverityIcon severity={severity} />
        <span className="alert-severity">{t(`severity.${severity}`)}</span>
        <span className="alert-summary">{summary}</span>
        <span className="alert-about">
          {alert.state === 'cleared'
            ? t('alerts.since', { time: since })
            : t('alerts.sinceFor', { time: since, duration: formatDuration(now - startedAt) })}{' '}
          · {ruleId}
          {providerId !== null && ` · ${t('alerts.provider', { id: shortId(providerId) })}`}
        </span>
      </button>
      <AlertStatus alert={alert} mayAcknowledge={mayAcknowledge} now={now} />
    </li>
  );
}

/** Whether it is acknowledged and by whom, or the button for it. */
function AlertStatus({ alert, mayAcknowledge, now }: { alert: Alert; mayAcknowledge: boolean; now: number }) {
  const { connection } = useDashboard();
  const [sending, setSending] = useState<'no' | 'yes' | { failure: string }>('no');
  const [answered, setAnswered] = useState<Alert | null>(null);
  const { acknowledged_at: acknowledgedAt, acknowledged_by: by } =
    alert.acknowledged_at === null ? (answered ?? alert) : alert;
  const clearedAt = alert.cleared_at;
  const acknowledge = async (): Promise<void> => {
    setSending('yes');
    const answer = await connection.change<Alert>('POST', `/alerts/${alert.alert_id}/acknowledge`);
    setSending(answer.kind === 'ok' ? 'no' : { failure: answer.reason });
    if (answer.kind === 'ok') setAnswered(answer.body);
  };
  return (
    <div className="alert-status" role="status">
      {acknowledgedAt !== null && (
        <span className="alert-acknowledged">
          ✓ {acknowledgedWords(by, formatMoment(acknowledgedAt, now))}
        </span>
      )}
      {clearedAt !== null && <span>{t('alerts.cleared', { time: formatMoment(clearedAt, now) })}</span>}
      {acknowledgedAt === null && clearedAt === null && mayAcknowledge && (
        <button
          type="button"
          className="alert-button"
          disabled={sending === 'yes'}
          aria-label={t('alerts.acknowledgeOf', { summary: summaryWords(alert) })}
          onClick={() => void acknowledge()}
        >
          {t(sending === 'yes' ? 'alerts.acknowledging' : 'alerts.acknowledge')}
        </button>
      )}
      {acknowledgedAt === null && clearedAt === null && !mayAcknowledge && (
        <span title={t('alerts.needsScope')}>{t('alerts.open')}</span>
      )}
      {typeof sending === 'object' && (
        <span className="alert-failure">{t('alerts.notAcknowledged', { reason: sending.failure })}</span>
      )}
    </div>
  );
}

function acknowledgedWords(name: string | null, time: string): string {
  return name === null ? t('alerts.acknowledged', { time }) : t('alerts.acknowledgedBy', { name, time });
}
