import './card.css';
import { type ReactNode, useEffect, useRef } from 'react';
import { CloseIcon } from '../icons.js';
import { t } from '../locale/text.js';

/** A card with a heading, the whole ids below it, and a button that closes it. */
export function CardFrame(props: {
  kind: string;
  name: string;
  ids: readonly string[];
  testId: string;
  onClose: () => void;
  children: ReactNode;
}) {
  const { kind, name, ids, testId, onClose, children } = props;
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => moveFocus(closeButton.current), []);
  return (
    <aside className="card" aria-label={`${kind} ${name}`} data-testid={testId}>
      <header className="card-header">
        <div>
          <h2 title={ids[0]}>
            <span className="card-kind">{kind}</span> {name}
          </h2>
          {ids.map((id) => (
            <p key={id} className="card-id">
              {id}
            </p>
          ))}
        </div>
        <button
          ref={closeButton}
          type="button"
          className="bar-button"
          aria-label={t('card.close')}
          title={t('common.closeEsc')}
          onClick={onClose}
        >
          <CloseIcon />
        </button>
      </header>
      {children}
    </aside>
  );
}

export function Fact({ label, value }: { label: string; value: ReactNode }) {
  return (
    <div className="fact">
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Moves the focus to the card if it was opened with the keyboard, and back when it is closed. */
function moveFocus(closeButton: HTMLElement | null): () => void {
  const before = document.activeElement;
  const isKeyboardFocus = before instanceof HTMLElement && before.matches(':focus-visible');
  if (isKeyboardFocus) closeButton?.focus();
  return () => {
    if (isKeyboardFocus && before.isConnected) before.focus();
  };
}
