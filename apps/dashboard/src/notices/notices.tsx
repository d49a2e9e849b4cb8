import './notices.css';
import type { PageCommands } from '@hailstream/events/live';
import { useEffect, useState } from 'react';
import { vehiclesOf } from '../city-state/vehicles-of.js';
import { useDashboard } from '../dashboard.js';
import { formatCount } from '../format.js';
import { RichText } from '../locale/rich-text.js';
import { useDerived, useStore } from '../store.js';
import { t } from '../locale/text.js';
import { SessionQuestion } from './session-question.js';
import { StyleNotice } from './style-notice.js';
import { Toast } from './toast.js';

const SECOND_MS = 1_000;

/** Messages over the map: why nothing is shown, and what to do about it. */
export function Notices(props: { isSlow: boolean; showsTable: boolean; onShowTable: () => void }) {
  const { isSlow, showsTable, onShowTable } = props;
  const { city, connection, session } = useDashboard();
  const contents = useStore(city.shown);
  const state = useStore(connection.state);
  const isEmpty = useDerived(contents.tick, (tick) => tick !== null && vehiclesOf(tick.figures) === 0);
  const refusal = useStore(connection.refusal);
  const map = useStore(city.map);
  const overQuota = useDerived(contents.tick, (tick) => tick?.figures.overQuota ?? 0);
  const hasUnreadable = useStore(city.hasUnreadable);
  const styleFailure = useStore(city.styleFailure);
  const isLinkInvalid = useStore(session.isLinkInvalid);
  const failure = useStore(session.failure);
  const limitedUntil = useStore(session.limitedUntil);
  const isAsked = useStore(session.question) !== null;
  if (state.kind === 'signed-out') return <SignedOut hadToken={state.hadToken} />;
  if (limitedUntil !== null) return <WaitToSignIn until={limitedUntil} />;
  if (isAsked) return <SessionQuestion />;
  if (isLinkInvalid) {
    return (
      <p className="toast" role="status" data-testid="invalid-link">
        {t('session.invalidLink')}{' '}
        <button type="button" className="link-button" onClick={() => session.isLinkInvalid.set(false)}>
          {t('common.dismiss')}
        </button>
      </p>
    );
  }
  if (failure !== null) {
    return (
      <p className="toast" role="status" data-testid="sign-in-failure">
        {t(`signIn.${failure}`)} {t('signIn.unchanged')}{' '}
        <button type="button" className="link-button" onClick={() => session.failure.set(null)}>
          {t('common.dismiss')}
        </button>
      </p>
    );
  }
  if (isEmpty && state.kind === 'connected') {
    return contents === city.live ? <NoVehicles /> : <NoVehiclesThen />;
  }
  if (map === 'interrupted' && !showsTable) {
    return (
      <Toast>
        {t('notice.stopped')}{' '}
        <button type="button" className="link-button" onClick={onShowTable} data-testid="show-table">
          {t('bar.showTable')}
        </button>
      </Toast>
    );
  }
  if (refusal !== null) {
    return <Toast>{t('notice.refused', { message: refusal.message, reason: refusal.reason })}</Toast>;
  }
  if (hasUnreadable) {
    return <Toast>{t('notice.unreadable')}</Toast>;
  }
  if (overQuota > 0) {
    return <Toast>{t('notice.overQuota', { count: formatCount(overQuota) })}</Toast>;
  }
  if (styleFailure !== null && !showsTable) return <StyleNotice failure={styleFailure} />;
  if (isSlow) return <Toast>{t('notice.slow')}</Toast>;
  return null;
}

function SignedOut({ hadToken }: { hadToken: boolean }) {
  const { session } = useDashboard();
  const failure = useStore(session.failure);
  const limitedUntil = useStore(session.limitedUntil);
  const commands = useCommands();
  const provider = commands?.signInWith ?? null;
  return (
    <section className="notice" role="alert" data-testid="signed-out">
      <h2>{t(hadToken ? 'notice.invalidLink' : 'notice.signIn')}</h2>
      {failure !== null && <p data-testid="sign-in-failure">{t(`signIn.${failure}`)}</p>}
      {limitedUntil !== null && <TooManyAttempts until={limitedUntil} />}
      {provider !== null && (
        <p>
          <a
            className="link-button"
            href={`${provider.url}?return=${encodeURIComponent(`/${location.search}`)}`}
            data-testid="sign-in-with"
          >
            {t('signIn.with', { name: provider.name })}
          </a>
        </p>
      )}
      {commands?.signIn ? (
        <>
          <p>{t('notice.openLink')}</p>
          <pre tabIndex={0}>{commands.signIn}</pre>
        </>
      ) : (
        provider === null && (
          <p>
            <RichText of="notice.append" values={{ hash: <code>#token=</code> }} />
          </p>
        )
      )}
      {(provider === null || commands?.signIn) && <p className="notice-small">{t('notice.stored')}</p>}
    </section>
  );
}

/** While the page waits to sign in with its link. */
function WaitToSignIn({ until }: { until: number }) {
  return (
    <section className="notice" role="status">
      <h2>{t('notice.signIn')}</h2>
      <TooManyAttempts until={until} />
    </section>
  );
}

/** Counts the seconds down until the address may try again. */
function TooManyAttempts({ until }: { until: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), SECOND_MS);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(1, Math.ceil((until - now) / SECOND_MS));
  return <p data-testid="too-many-attempts">{t('signIn.tooMany', { seconds: formatCount(seconds) })}</p>;
}

function NoVehicles() {
  const commands = useCommands();
  return (
    <section className="notice" role="status" data-testid="no-vehicles">
      <h2>{t('notice.noVehicles')}</h2>
      <p>{t('notice.appear')}</p>
      {commands?.replay && (
        <>
          <p>{t('notice.replay')}</p>
          <pre tabIndex={0}>{commands.replay}</pre>
          <p>
            <RichText of="notice.simulate" values={{ option: <code>--no-sim</code> }} />
          </p>
        </>
      )}
    </section>
  );
}

/** The commands that the service is configured to show; `null` until they are known. */
function useCommands(): PageCommands | null {
  const { connection } = useDashboard();
  const [commands, setCommands] = useState<PageCommands | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    void connection.request<PageCommands>('/commands', stop.signal).then((answer) => {
      if (answer.kind === 'ok') setCommands(answer.body);
    });
    return () => stop.abort();
  }, [connection]);
  return commands;
}

function NoVehiclesThen() {
  return (
    <section className="notice" role="status" data-testid="no-vehicles">
      <h2>{t('notice.noneThen')}</h2>
      <p>{t('notice.noneThenWhy')}</p>
    </section>
  );
}
