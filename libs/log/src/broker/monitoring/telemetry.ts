import { NO_METER, type Meter } from '../metrics/meter.js';
import type { Measured } from './broker-metrics.js';
import type { ReadinessChecks } from './metrics-server.js';

/** What is measured of a broker, and where it can be read. */
export interface Telemetry extends AsyncDisposable {
  readonly meter: Meter;
  /** `http://host:port` of `/metrics` and `/health`, where they are served. */
  readonly url: string | undefined;
  /** From now on there is a log to measure. */
  measure(measured: Measured): void;
}

const NO_TELEMETRY: Telemetry = {
  meter: NO_METER,
  url: undefined,
  measure: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * Serves metrics, where they are asked for; where not, nothing is loaded or counted.
 *
 * @param port -1 where they are not
 * @throws ListenError
 */
export async function openTelemetry(port: number, checks: ReadinessChecks): Promise<Telemetry> {
  if (port < 0) return NO_TELEMETRY;
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
