import { en } from '../messages/en.js';
import type { Messages, ServiceTexts } from '../messages/messages.js';
import { Store } from '../store.js';

export const languages = ['en', 'ko'] as const;
export type Language = (typeof languages)[number];

export const unitSystems = ['metric', 'imperial'] as const;
export type Units = (typeof unitSystems)[number];

/** What determines how texts, numbers and times are written. */
interface LocaleChoice {
  readonly language: Language;
  readonly units: Units;
  /** An IANA time zone; `null` is the browser's. */
  readonly timeZone: string | null;
  readonly messages: Messages;
  /** `null`: those that the service sends, which are English. */
  readonly service: ServiceTexts | null;
}

/** BCP 47 tags: British English has the day before the month, and 24 hours. */
const tags: Readonly<Record<Language, string>> = { en: 'en-GB', ko: 'ko-KR' };

/** The choice, with the formats that follow from it. */
type Locale = ReturnType<typeof localeOf>;

export function localeOf(choice: LocaleChoice) {
  const tag = tags[choice.language];
  const zone = choice.timeZone === null ? {} : { timeZone: choice.timeZone };
  const times = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(tag, { ...options, ...zone, ...(options.hour && { hourCycle: 'h23' }) });
  const time = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  return {
    ...choice,
    tag,
    plurals: new Intl.PluralRules(tag),
    whole: new Intl.NumberFormat(tag, { maximumFractionDigits: 0 }),
    oneDecimal: new Intl.NumberFormat(tag, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
    atMostOneDecimal: new Intl.NumberFormat(tag, { maximumFractionDigits: 1 }),
    compact: new Intl.NumberFormat(tag, { notation: 'compact', maximumSignificantDigits: 2 }),
    clock: times(time),
    minute: times({ hour: '2-digit', minute: '2-digit' }),
    day: times({ weekday: 'short', day: 'numeric', month: 'short' }),
    shortDay: times({ day: 'numeric', month: 'short' }),
    dateTime: times({ year: 'numeric', month: 'short', day: 'numeric', ...time }),
    zoneName: times({ timeZoneName: 'short' }),
    /** Year, month, day and time of day as numbers, to calculate the offset of the zone. */
    fields: new Intl.DateTimeFormat('en-GB', {
      ...zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }),
  };
}

/** The locale of the page. `App` renders again when it changes, and so do all texts. */
export const locale = new Store<Locale>(
  localeOf({ language: 'en', units: 'metric', timeZone: null, messages: en, service: null }),
);
