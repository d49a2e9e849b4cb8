/** From a worker: asks for the metrics of all workers. The answer has the same `id`. */
export interface MetricsRequest {
  readonly kind: 'metrics-request';
  readonly id: number;
}

/** To a worker: the metrics of all workers in the text format of Prometheus, or the reason of a failure. */
export type MetricsAnswer = { readonly kind: 'metrics-answer'; readonly id: number } & (
  { readonly text: string } | { readonly problem: string }
);

/** To a worker: finish the requests that have arrived, and exit. */
export interface DrainRequest {
  readonly kind: 'drain';
}

/** Returns the kind of a message; `undefined` for a message of another library on the same channel. */
export function kindOf(message: unknown): string | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { kind } = message as { readonly kind?: unknown };
  return typeof kind === 'string' ? kind : undefined;
}
