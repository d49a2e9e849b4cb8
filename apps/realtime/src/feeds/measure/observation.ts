/** What an event does not have. */
export const NONE = -1;

/** What one event adds to the slots of its time. It is used for one event after the other: measuring creates no objects. */
export class Observation {
  /** The counts that it increments, by the bits of `countIndex`. */
  bits = 0;
  /** A cell, and buckets of histograms; {@link NONE} if the event has none. */
  cell = NONE;
  lateness = NONE;
  publication = NONE;
  ratio = NONE;

  /** Starts with an event that increments one count. */
  begin(index: number): void {
    this.bits = 1 << index;
    this.cell = this.lateness = this.publication = this.ratio = NONE;
  }

  /** @param index of `countIndex` */
  count(index: number): void {
    this.bits |= 1 << index;
  }
}
