/** Counts events per second of the clock. */
export class Rate {
  private second = 0;
  private current = 0;
  private previous = 0;

  count(now: number): void {
    const second = secondOf(now);
    if (second !== this.second) {
      this.previous = second === this.second + 1 ? this.current : 0;
      this.current = 0;
      this.second = second;
    }
    this.current += 1;
  }

  /** Events counted in the last whole second before `now`. */
  perSecond(now: number): number {
    const age = secondOf(now) - this.second;
    if (age === 0) return this.previous;
    return age === 1 ? this.current : 0;
  }
}

function secondOf(now: number): number {
  return Math.floor(now / 1_000);
}
