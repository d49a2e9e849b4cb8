/** Something that happened: when, and the id that tells it from others of the same time. */
export interface Fact {
  /** By {@link eventTimeAt}. */
  readonly timestamp: number;
  /** By how much the sender's clock said a later time; 0 for nearly all. */
  readonly lead: number;
  readonly id: string;
}

/** How far the clock of a sender may be ahead of the time of receipt and be believed. */
export const CLOCK_TOLERANCE_MS = 5_000;

/**
 * When something happened, as far as it can be known: an event from the future happened at the latest when it was
 * received. Else it would be the newest until its time has come, and hold its vehicle in place for so long.
 */
export function eventTimeAt(said: number, receivedAt: number): number {
  return said > receivedAt + CLOCK_TOLERANCE_MS ? receivedAt : said;
}

/**
 * Whether a fact replaces another. Event time decides, then what the sender's clock said (which orders what was received
 * at once from a clock that is ahead), then the id: a total order, so that what is kept is the same in whatever order
 * facts arrive, and however often.
 */
export function isNewer(fact: Fact, than: Fact | null): boolean {
  if (than === null) return true;
  if (fact.timestamp !== than.timestamp) return fact.timestamp > than.timestamp;
  return fact.lead === than.lead ? fact.id > than.id : fact.lead > than.lead;
}

/** The later of two times, either of which may not be known. */
export function latest(one: number | null, other: number | null): number | null {
  if (one === null) return other;
  return other === null || one >= other ? one : other;
}
