import '../card/card.css';
import '../lists/lists.css';
import './page.css';
import { t } from '../locale/text.js';
import { type ReactNode, useEffect, useRef } from 'react';
import { shortId } from '../format.js';
import { CloseIcon } from '../icons.js';
import { keyOf, useShortcuts } from '../shortcuts.js';

/** A page of one trip or vehicle: its heading with the whole ids, and what is shown while there is nothing else. */
export function PageFrame(props: {
  kind: string;
  id: string;
  providerId: string | null;
  testId: string;
  onClose: () => void;
  state: { readonly isLoading: boolean; readonly failure: string | null; readonly isUnknown: boolean };
  /** What it means that the service does not know it. */
  unknown: string;
  /** Whether the map is shown next to it. */
  isNarrow?: boolean;
  children: ReactNode;
}) {
  const { kind, id, providerId, testId, onClose, state, unknown, isNarrow = false, children } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [id]);
  useShortcuts({ close: onClose });
  return (
    <article
      className={isNarrow ? 'list-view page sheet' : 'list-view page'}
      aria-labelledby={testId}
      data-testid={testId}
    >
      <header className="card-header">
        <div>
          <h2 id={testId} ref={heading} tabIndex={-1}>
            <span className="card-kind">{kind}</span> {shortId(id)}
          </h2>
          <p className="card-id">{id}</p>
          {providerId !== null && (
            <p className="card-id">
              {t('trips.provider')} {providerId}
            </p>
          )}
        </div>
        <button
          type="button"
          className="bar-button"
          aria-label={t('page.close')}
          title={`${t('page.close')} (${keyOf('close')})`}
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </header>
      <div className="list-rows" tabIndex={0} role="group" aria-label={`${kind} ${shortId(id)}`}>
        {state.isUnknown ? (
          <p className="page-none">{unknown}</p>
        ) : (
          state.failure !== null && (
            <p className="list-failure" role="alert">
              {t('page.failed', { reason: state.failure })}
            </p>
          )
        )}
        {state.isLoading && state.failure === null && (
          <p className="page-none" role="status">
            {t('page.reading')}
          </p>
        )}
        {children}
      </div>
    </article>
  );
}
