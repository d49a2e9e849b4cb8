import { useDashboard } from '../dashboard.js';
import { MoonIcon, SunIcon, SystemIcon } from '../icons.js';
import { useStore } from '../store.js';
import { type ThemeChoice, themeChoices } from '../theme/theme.js';

const icons: Readonly<Record<ThemeChoice, () => React.ReactNode>> = {
  system: SystemIcon,
  light: SunIcon,
  dark: MoonIcon,
};

/** Switches to the next theme. */
export function ThemeButton() {
  const { theme } = useDashboard();
  const choice = useStore(theme.choice);
  const next = themeChoices[(themeChoices.indexOf(choice) + 1) % themeChoices.length]!;
  const Icon = icons[choice];
  return (
    <button
      type="button"
      className="bar-button"
      aria-label={`Theme: ${choice}. Change to ${next}`}
      title={`Theme: ${choice}`}
      onClick={() => theme.choose(next)}
    >
      <Icon />
    </button>
  );
}
