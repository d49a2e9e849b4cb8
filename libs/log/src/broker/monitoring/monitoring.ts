import { NO_METER, type Meter } from '../metrics/meter.js';
import type { Measured } from './broker-metrics.js';
import type { ReadinessChecks } from './metrics-server.js';

/** The metrics of a broker and the server for them. */
export interface Monitoring extends AsyncDisposable {
  readonly meter: Meter;
  /** Base URL of `/metrics` and `/health`; undefined if they are disabled. */
  readonly url: string | undefined;
  /** Called once the log is loaded. */
  measure(measured: Measured): void;
}

const NO_MONITORING: Monitoring = {
  meter: NO_METER,
  url: undefined,
  measure: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * Serves metrics and health. If they are disabled, nothing is loaded or counted.
 *
 * @param port -1: disabled
 * @throws ListenError if the port is not available
 */
export async function openMonitoring(port: number, checks: ReadinessChecks): Promise<Monitoring> {
  if (port < 0) return NO_MONITORING;
  const [{ BrokerMetrics }, { MetricsServer }] = await Promise.all([
    import('./broker-metrics.js'),
    import('./metrics-server.js'),
  ]);
  const metrics = new BrokerMetrics();
  const server = new MetricsServer(metrics.registry, checks);
  return {
    meter: metrics.meter(),
    url: await server.listen(port),
    measure: (measured) => metrics.measure(measured),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
