import './help.css';
import { Dialog } from '../controls/dialog.js';
import { keyLabel, mapKeys, shortcuts } from '../shortcuts.js';
import { t } from '../locale/text.js';

/** All keys of the page. */
export function HelpSheet({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={t('help.title')} testId="help" onClose={onClose}>
      <Keys keys={shortcuts.map(({ name, key }) => ({ key, does: t(`key.${name}`) }))} />
      <h3 className="help-heading">{t('help.map')}</h3>
      <Keys keys={mapKeys.map(({ key, text }) => ({ key, does: t(text) }))} />
    </Dialog>
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
