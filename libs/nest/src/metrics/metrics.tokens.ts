/** Injects `() => Promise<string>`: the metrics in the text format of Prometheus. */
export const METRICS_TEXT = Symbol('MetricsText');
