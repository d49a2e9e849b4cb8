import './dialog.css';
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { CloseIcon } from '../icons.js';
import { t } from '../locale/text.js';

/** A sheet over the page. The browser keeps the focus within it, and closes it with Escape. */
export function Dialog(props: { title: string; testId: string; onClose: () => void; children: ReactNode }) {
  const { title, testId, onClose, children } = props;
  const heading = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={heading}
      data-testid={testId}
      onClose={onClose}
      // Its own box is its content: a click on the dialog itself is next to it.
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div className="dialog-content">
        <header className="dialog-header">
          <h2 id={heading}>{title}</h2>
          <button
            type="button"
            className="bar-button"
            aria-label={t('common.close')}
            title={t('common.closeEsc')}
            onClick={onClose}
          >
            <CloseIcon />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
