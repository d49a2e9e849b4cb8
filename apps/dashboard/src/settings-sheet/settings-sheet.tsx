import './settings.css';
import type { ReactNode } from 'react';
import { Dialog } from '../controls/dialog.js';
import { useDashboard } from '../dashboard.js';
import { languages, unitSystems } from '../locale/locale.js';
import { t } from '../locale/text.js';
import { useStore } from '../store.js';
import { themeChoices } from '../theme/theme.js';
import { BROWSER_ZONE } from '../settings/settings.js';

/** Each language in its own words. */
const languageNames = { en: 'English', ko: '한국어' } as const;

/** What the user can choose for this browser. */
export function SettingsSheet({ onClose }: { onClose: () => void }) {
  const { settings, theme } = useDashboard();
  const language = useStore(settings.language.value);
  const units = useStore(settings.units.value);
  const painted = useStore(theme.choice);
  return (
    <Dialog title={t('settings.title')} testId="settings" onClose={onClose}>
      <div className="settings-fields">
        <Choice
          label={t('settings.language')}
          value={language}
          onChoose={(value) => settings.language.choose(value)}
          options={languages.map((value) => ({ value, text: languageNames[value] }))}
        />
        <Choice
          label={t('settings.units')}
          value={units}
          onChoose={(value) => settings.units.choose(value)}
          options={unitSystems.map((value) => ({ value, text: t(`settings.${value}`) }))}
        />
        <ZoneChoice />
        <Choice
          label={t('settings.theme')}
          value={painted}
          onChoose={(value) => theme.choose(value)}
          options={themeChoices.map((value) => ({ value, text: t(`theme.${value}`) }))}
        />
        <ShareChoice />
      </div>
    </Dialog>
  );
}

function ZoneChoice() {
  const { settings } = useDashboard();
  const zone = useStore(settings.timeZone.value);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const named = new Set([
    'UTC',
    ...Intl.supportedValuesOf('timeZone'),
    ...(zone === BROWSER_ZONE ? [] : [zone]),
  ]);
  return (
    <Choice
      label={t('settings.zone')}
      value={zone}
      onChoose={(value) => settings.timeZone.choose(value)}
      options={[
        { value: BROWSER_ZONE, text: t('settings.browserZone', { zone: own }) },
        ...[...named].map((value) => ({ value, text: value })),
      ]}
    />
  );
}

function ShareChoice() {
  const { settings } = useDashboard();
  const isShared = useStore(settings.language.inAddress) !== null;
  return (
    <label className="settings-share">
      <input
        type="checkbox"
        checked={isShared}
        onChange={({ target }) => settings.includeInAddress(target.checked)}
      />
      {t('settings.share')}
    </label>
  );
}

function Choice<T extends string>(props: {
  label: ReactNode;
  value: T;
  options: readonly { readonly value: T; readonly text: string }[];
  onChoose: (value: T) => void;
}) {
  const { label, value, options, onChoose } = props;
  return (
    <label className="settings-field">
      {label}
      <select value={value} onChange={({ target }) => onChoose(target.value as T)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}
