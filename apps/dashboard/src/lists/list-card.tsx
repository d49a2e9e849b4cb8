import '../card/card.css';
import './lists.css';
import type { ReactNode } from 'react';
import { CloseIcon } from '../icons.js';
import { t } from '../locale/text.js';

/** The card of a list's item, next to the list. */
export function ListCard(props: {
  title: string;
  id: string;
  label: string;
  closeLabel: string;
  testId: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const { title, id, label, closeLabel, testId, onClose, children } = props;
  return (
    <aside className="list-card" aria-label={label} data-testid={testId}>
      <header className="card-header">
        <div>
          <h2>{title}</h2>
          <p className="card-id">{id}</p>
        </div>
        <button
          type="button"
          className="bar-button"
          aria-label={closeLabel}
          title={t('common.closeEsc')}
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </header>
      <div className="card-body" tabIndex={0}>
        {children}
      </div>
    </aside>
  );
}
