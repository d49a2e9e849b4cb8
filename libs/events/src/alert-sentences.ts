import Type from 'typebox';

/** The sentences of alerts in English, by code. `{names}` are values; those that end with `Ms` are times in milliseconds. */
export const alertSentences = {
  'vehicle-silent': 'Vehicle {vehicle} has sent nothing for {limitMs}',
  'vehicle-silent-in-state': 'Vehicle {vehicle}, {state}, has sent nothing for {limitMs}',
  'zone-entered': 'Vehicle {vehicle} entered {zone}',
  'zone-left': 'Vehicle {vehicle} left {zone}',
  'zone-dwell': 'Vehicle {vehicle} has been for {limitMs} in {zone}',
  'riders-waiting': '{riders} waited',
  'riders-waiting-in-zone': '{riders} waited in {zone}',
  'riders-waiting-for': '{riders} waited for at least {limitMs}',
  'riders-waiting-for-in-zone': '{riders} waited for at least {limitMs} in {zone}',
  'feed-lag': 'The newest event of provider {provider} is older than {limitMs}',
  speeding: 'Vehicle {vehicle} is faster than {speed} m/s',
  'speeding-for': 'Vehicle {vehicle} is faster than {speed} m/s for {limitMs}',
  further: '{rule}: and {count} more',
} as const;

export type AlertSentenceCode = keyof typeof alertSentences;

const Words = Type.Optional(Type.String({ maxLength: 500 }));
const Quantity = Type.Optional(Type.Number());

/** The values in the sentence of an alert. */
export const AlertValues = Type.Object({
  /** Ends of ids, as the page shows them. */
  vehicle: Words,
  provider: Words,
  /** A state of MDS. */
  state: Words,
  /** The name of a zone. */
  zone: Words,
  /** The id of a rule. */
  rule: Words,
  riders: Quantity,
  count: Quantity,
  /** Metres per second. */
  speed: Quantity,
  limitMs: Quantity,
});

/** What an alert says: a sentence and its values. */
export interface AlertSummary {
  readonly code: AlertSentenceCode;
  readonly values: Readonly<Type.Static<typeof AlertValues>>;
}
