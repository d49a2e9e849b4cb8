import './help.css';
import { useEffect, useRef } from 'react';
import { CloseIcon } from '../icons.js';
import { keyLabel, mapKeys, shortcuts } from '../shortcuts.js';
import { t } from '../locale/text.js';

/** All keys of the page. The browser keeps the focus within it, and closes it with Escape. */
export function HelpSheet({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  return (
    <dialog
      ref={dialog}
      className="help"
      aria-labelledby="help-heading"
      data-testid="help"
      onClose={onClose}
      // Its own box is its content: a click on the dialog itself is next to it.
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div className="help-content">
        <header className="help-header">
          <h2 id="help-heading">{t('help.title')}</h2>
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
        <Keys keys={shortcuts.map(({ name, key }) => ({ key, does: t(`key.${name}`) }))} />
        <h3>{t('help.map')}</h3>
        <Keys keys={mapKeys.map(({ key, text }) => ({ key, does: t(text) }))} />
      </div>
    </dialog>
  );
}

function Keys({ keys }: { keys: readonly { key: string; does: string }[] }) {
  return (
    <dl className="help-keys">
      {keys.map(({ key, does }) => (
        <div key={key}>
          <dt>
            <kbd>{keyLabel(key)}</kbd>
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}
