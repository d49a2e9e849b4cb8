/** Something that happened: when, and the id that tells it from others of the same time. */
export interface Fact {
  readonly timestamp: number;
  readonly id: string;
}

/**
 * Whether a fact replaces another. Event time decides, then the id: a total order, so that what is kept is the same
 * in whatever order facts arrive, and however often.
 */
export function isNewer(fact: Fact, than: Fact | null): boolean {
  if (than === null) return true;
  return fact.timestamp === than.timestamp ? fact.id > than.id : fact.timestamp > than.timestamp;
}

/** The later of two times, either of which may not be known. */
export function latest(one: number | null, other: number | null): number | null {
  if (one === null) return other;
  return other === null || one >= other ? one : other;
}
