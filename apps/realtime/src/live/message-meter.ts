/** Most messages that a page may send per second: a dragged map sends one per screen refresh. */
export const MAX_MESSAGES_PER_SECOND = 200;

/** Limits the rate of messages of one page. */
export class MessageMeter {
  private second = 0;
  private count = 0;

  /** Counts a message. Returns whether it is within the limit. */
  allow(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= MAX_MESSAGES_PER_SECOND;
  }
}
