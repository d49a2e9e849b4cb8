import { useDashboard } from '../dashboard.js';
import { useStore } from '../store.js';
import type { IgnoredParameter } from '../address/address.js';
import { t } from '../locale/text.js';

/** Values of the address are shown up to this length. */
const MAX_VALUE_CHARS = 60;

/** Says which parameters of the opened address have no effect, and why. */
export function IgnoredParameters() {
  const { address } = useDashboard();
  const ignored = useStore(address.ignored);
  if (ignored.length === 0) return null;
  return (
    <div className="toast" role="status" data-testid="ignored-parameters">
      {ignored.map((parameter, index) => (
        // An address may have the same parameter several times.
        <p key={index}>{words(parameter)}</p>
      ))}
      <button type="button" className="link-button" onClick={() => address.dismissIgnored()}>
        {t('common.dismiss')}
      </button>
    </div>
  );
}

function words({ name, value, expected }: IgnoredParameter): string {
  if (expected === null) return t('notice.ignoredUnknown', { name });
  const shown = value.length > MAX_VALUE_CHARS ? `${value.slice(0, MAX_VALUE_CHARS)}…` : value;
  return t('notice.ignored', { name, value: shown, expected });
}
