import { Store } from '../store.js';

/** The theme in use. */
export type Theme = 'light' | 'dark';

/** The user's choice; `system` follows the operating system. */
export type ThemeChoice = 'system' | Theme;

/** Also read by public/theme.js, before the first paint. */
const STORAGE_KEY = 'hailstream.theme';

export const themeChoices = ['system', 'light', 'dark'] as const satisfies readonly ThemeChoice[];

/** The chosen theme and the theme in use. The choice is written to the root element, for the style sheets. */
export class ThemeSetting {
  readonly choice: Store<ThemeChoice>;
  readonly theme: Store<Theme>;
  private readonly systemIsDark = matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    const stored = document.documentElement.dataset['theme'];
    this.choice = new Store<ThemeChoice>(stored === 'light' || stored === 'dark' ? stored : 'system');
    this.theme = new Store(this.resolve());
    this.systemIsDark.addEventListener('change', () => this.theme.set(this.resolve()));
    this.choice.subscribe(() => this.apply());
  }

  /** Applies and stores the choice of the user. A theme that only the address has is not stored. */
  choose(choice: ThemeChoice): void {
    this.choice.set(choice);
    keep(choice);
  }

  chooseNext(): void {
    this.choose(nextTheme(this.choice.get()));
  }

  private apply(): void {
    const choice = this.choice.get();
    if (choice === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = choice;
    this.theme.set(this.resolve());
  }

  private resolve(): Theme {
    const choice = this.choice.get();
    if (choice !== 'system') return choice;
    return this.systemIsDark.matches ? 'dark' : 'light';
  }
}

/** The theme that follows, of {@link ThemeChoice} in turn. */
export function nextTheme(choice: ThemeChoice): ThemeChoice {
  return themeChoices[(themeChoices.indexOf(choice) + 1) % themeChoices.length]!;
}

function keep(choice: ThemeChoice): void {
  try {
    localStorage.setItem(STORAGE_KEY, choice);
  } catch {
    // Storage may be disabled: the choice then ends with the page.
  }
}
