import type { SessionUser } from '@hailstream/events/live';
import { useDashboard } from '../dashboard.js';
import { t } from '../locale/text.js';
import { useStore } from '../store.js';

/** Asks before a link signs in another user: an attacker could have sent it. */
export function SessionQuestion() {
  const { session } = useDashboard();
  const question = useStore(session.question);
  if (question === null) return null;
  return (
    <section
      className="notice"
      role="alertdialog"
      aria-labelledby="session-question"
      data-testid="switch-user"
    >
      <h2 id="session-question">{t('session.switchTitle')}</h2>
      <p>
        {t('session.switchWhy', { current: nameOf(question.current), offered: nameOf(question.offered) })}
      </p>
      <p>
        <button type="button" className="link-button" onClick={() => session.question.set(null)}>
          {t('session.stay')}
        </button>{' '}
        <button type="button" className="link-button" onClick={() => void session.switchUser()}>
          {t('session.switch')}
        </button>
      </p>
    </section>
  );
}

/** The name and what the user may see. */
function nameOf({ name, providerId }: SessionUser): string {
  const who = name ?? t('session.unnamed');
  return providerId === null
    ? t('session.ofAll', { name: who })
    : t('session.ofProvider', { name: who, provider: providerId });
}
