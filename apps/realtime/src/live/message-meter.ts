/** Most messages a page may send in one second: a map that is dragged sends one a screen refresh. */
export const MAX_MESSAGES_PER_SECOND = 200;

/** Counts what one page sends. */
export class MessageMeter {
  private second = 0;
  private count = 0;

  /** Counts a message; says whether there was room for it. */
  take(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= MAX_MESSAGES_PER_SECOND;
  }
}
