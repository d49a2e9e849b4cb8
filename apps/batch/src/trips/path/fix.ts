/** A position that a device measured. */
export interface Fix {
  /** Event time, in milliseconds. */
  readonly at: number;
  readonly lat: number;
  readonly lng: number;
  /** In metres per second; `null` if it was not sent. */
  readonly speed: number | null;
  /** Degrees clockwise from north; `null` if it was not sent. */
  readonly heading: number | null;
  /** Radius in metres; `null` if it was not sent. */
  readonly accuracy: number | null;
}

/** Accuracy of a fix without one: usual for receivers of phones under an open sky. */
const USUAL_ACCURACY_METERS = 5;
/** Receivers that claim to be more accurate than this are not believed. */
const BEST_ACCURACY_METERS = 1;

/** Radius around a fix in which the device is with a probability of about 68 %, in metres. */
export function accuracyOf({ accuracy }: Fix): number {
  return Math.max(BEST_ACCURACY_METERS, accuracy ?? USUAL_ACCURACY_METERS);
}
