/** Injects `() => Promise<string>`: the metrics in the text format of Prometheus, if they are not only those of the process. */
export const METRICS_TEXT = Symbol('MetricsText');
