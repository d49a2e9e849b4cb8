import { type Language, languages, locale, localeOf, type Units, unitSystems } from '../locale/locale.js';
import { isTimeZone } from '../locale/time-zone.js';
import { en } from '../messages/en.js';
import { Setting } from './setting.js';

/** The value of the time zone that is the browser's. */
export const BROWSER_ZONE = 'browser';

/** The texts of a language other than English are loaded when it is chosen. */
const textsOf: Readonly<Record<Language, () => Promise<Texts>>> = {
  en: () => Promise.resolve({ messages: en, service: null }),
  ko: async () => {
    const [{ ko }, { serviceKo }] = await Promise.all([
      import('../messages/ko.js'),
      import('../messages/service-ko.js'),
    ]);
    return { messages: ko, service: serviceKo };
  },
};

type Texts = Pick<Parameters<typeof localeOf>[0], 'messages' | 'service'>;

/** Language, units and time zone of the page. */
export class Settings {
  readonly language: Setting<Language>;
  readonly units: Setting<Units>;
  readonly timeZone: Setting<string>;

  constructor(browser: { storage: Storage | null; languages: readonly string[] }) {
    const { storage } = browser;
    this.language = new Setting<Language>({
      key: 'hailstream.language',
      initial: preferredOf(browser.languages),
      isValid: isLanguage,
      storage,
    });
    this.units = new Setting<Units>({
      key: 'hailstream.units',
      initial: 'metric',
      isValid: (text): text is Units => unitSystems.some((known) => known === text),
      storage,
    });
    this.timeZone = new Setting<string>({
      key: 'hailstream.time-zone',
      initial: BROWSER_ZONE,
      isValid: (text): text is string => text === BROWSER_ZONE || isTimeZone(text),
      storage,
    });
    for (const { value } of this.all) value.subscribe(() => void this.apply());
  }

  /** Sets the locale of the page. Without its texts, which may fail to load, the page stays in its language. */
  async apply(): Promise<void> {
    const language = this.language.value.get();
    const texts = await textsOf[language]();
    const timeZone = this.timeZone.value.get();
    // Another one may have been chosen meanwhile.
    if (language !== this.language.value.get()) return;
    document.documentElement.lang = language;
    locale.set(
      localeOf({
        language,
        ...texts,
        units: this.units.value.get(),
        timeZone: timeZone === BROWSER_ZONE ? null : timeZone,
      }),
    );
  }

  /** Whether addresses have the settings in use. The browser's time zone is named, so that recipients see the same times. */
  includeInAddress(isIncluded: boolean): void {
    const zone = this.timeZone.value.get();
    const named = zone === BROWSER_ZONE ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
    this.language.inAddress.set(isIncluded ? this.language.value.get() : null);
    this.units.inAddress.set(isIncluded ? this.units.value.get() : null);
    this.timeZone.inAddress.set(isIncluded ? named : null);
  }

  private get all() {
    return [this.language, this.units, this.timeZone];
  }
}

function isLanguage(text: string): text is Language {
  return languages.some((known) => known === text);
}

/** The first of the browser's languages that the page has. */
function preferredOf(tags: readonly string[]): Language {
  return tags.map((tag) => tag.split('-')[0]!).find(isLanguage) ?? 'en';
}
