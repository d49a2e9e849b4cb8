/** A reported event: its time, and the id that orders events of the same time. */
export interface Fact {
  /** By {@link eventTimeAt}. */
  readonly timestamp: number;
  /** How far the sender's clock was ahead; usually 0. */
  readonly lead: number;
  readonly id: string;
}

/** How far a sender's clock may be ahead of the receipt for its time to be used as it is. */
export const CLOCK_TOLERANCE_MS = 5_000;

/**
 * The time of an event: its reported time or, if that is in the future, the time of receipt. Otherwise the event would stay
 * the newest of its vehicle until that time.
 */
export function eventTimeAt(reported: number, receivedAt: number): number {
  return reported > receivedAt + CLOCK_TOLERANCE_MS ? receivedAt : reported;
}

/**
 * Whether a fact replaces another: by event time, then by the sender's clock (which orders events that were received
 * together from a clock that is ahead), then by id. This is a total order, so the result does not depend on the order or the
 * repetition of facts.
 */
export function isNewer(fact: Fact, than: Fact | null): boolean {
  if (than === null) return true;
  if (fact.timestamp !== than.timestamp) return fact.timestamp > than.timestamp;
  return fact.lead === than.lead ? fact.id > than.id : fact.lead > than.lead;
}

/** The later of two times; `null` is unknown. */
export function latest(one: number | null, other: number | null): number | null {
  if (one === null) return other;
  return other === null || one >= other ? one : other;
}
