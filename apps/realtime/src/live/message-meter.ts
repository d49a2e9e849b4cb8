/** Limits the rate of messages. */
export class MessageMeter {
  private second = 0;
  private count = 0;

  constructor(private readonly maxPerSecond: number) {}

  /** Counts a message. Returns whether it is within the limit. */
  allow(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.second) {
      this.second = second;
      this.count = 0;
    }
    this.count += 1;
    return this.count <= this.maxPerSecond;
  }
}
