import type { Histogram } from 'prom-client';

/** A histogram of durations, cheaper to update than that of prom-client. */
export class Times {
  private readonly counts: Float64Array;
  private sum = 0;
  private count = 0;

  /** @param bounds upper bounds of the buckets, ascending, seconds */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length);
  }

  note(seconds: number): void {
    this.sum += seconds;
    this.count++;
    let i = 0;
    while (i < this.bounds.length && seconds > (this.bounds[i] as number)) i++;
    if (i < this.bounds.length) this.counts[i] = (this.counts[i] as number) + 1;
  }

  /** The values in the form of prom-client. */
  values(name: string, labels: Readonly<Record<string, string>>): HistogramValue[] {
    let below = 0;
    const buckets = this.bounds.map((le, i) => {
      below += this.counts[i] as number;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
    });
    return [
      ...buckets,
      { metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: this.count },
      { metricName: `${name}_sum`, labels: { ...labels }, value: this.sum },
      { metricName: `${name}_count`, labels: { ...labels }, value: this.count },
    ];
  }
}

type HistogramValue = Awaited<ReturnType<Histogram['get']>>['values'][number];
