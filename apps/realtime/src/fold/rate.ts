/** Counts events by second of the clock, to say how many there were in the last whole one. */
export class Rate {
  private second = 0;
  private current = 0;
  private previous = 0;

  count(now: number): void {
    this.turn(now);
    this.current += 1;
  }

  perSecond(now: number): number {
    this.turn(now);
    return this.previous;
  }

  private turn(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second === this.second) return;
    this.previous = second === this.second + 1 ? this.current : 0;
    this.current = 0;
    this.second = second;
  }
}
