import { createHttpApp, HealthChecks, HealthModule, LoggingModule, MetricsModule } from '@hailstream/nest';
import type { Service } from '@hailstream/service/lifecycle';
import { createLogger, type Logger } from '@hailstream/service/logging';
import { Registry } from 'prom-client';
import { buildGraphs, createCities } from './cities.js';
import type { DriverSimConfig } from './config.js';
import { ingestToken } from './ingest-token.js';
import { registerOutboxMetrics } from './outbox/outbox-metrics.js';
import { IngestClient } from './outbox/ingest-client.http.js';
import { MAX_REQUESTS_IN_FLIGHT, Outbox, type OutboxObserver } from './outbox/outbox.js';
import { CityRunner } from './simulation/city-runner.js';

class DriverSimModule {}

/** Starts the simulation, and an HTTP server for health and metrics. Resolves once it listens at `url`. */
export async function startDriverSim(config: DriverSimConfig): Promise<Service & { readonly url: string }> {
  const logger = createLogger({ name: 'driver-sim', level: config.http.logLevel });
  const graphs = buildGraphs(config);
  const app = await createHttpApp(
    { module: DriverSimModule, imports: [LoggingModule.forRoot(logger), HealthModule, MetricsModule] },
    { logger, auth: config.auth },
  );
  const client = new IngestClient({
    ...config.ingest,
    token: ingestToken(config),
    maxConnections: MAX_REQUESTS_IN_FLIGHT,
  });
  const outbox = new Outbox({ client, observer: observerOf(logger) });
  app.get(HealthChecks).register('ingest', () => {
    if (outbox.isUnavailable) throw new Error('ingest is unavailable, events are kept and retried');
  });
  registerOutboxMetrics(app.get(Registry), outbox);
  await app.listen(config.http.port, config.http.host);
  const url = await app.getUrl();

  const startMs = Date.now();
  const cities = createCities(config, graphs, { startMs, emit: (kind, event) => outbox.put(kind, event) });
  const runner = new CityRunner({ cities, outbox, logger, startMs });
  logger.info(
    {
      cities: config.cities.map(({ name }, index) => ({
        name,
        vehicles: cities[index]!.vehicleCount,
        nodes: graphs[index]!.nodes.length,
        unreachable: graphs[index]!.unreachable,
      })),
      ingest: config.ingest.url.href,
      url,
    },
    'simulation started',
  );
  return {
    url,
    close: async () => {
      await runner[Symbol.asyncDispose]();
      outbox[Symbol.dispose]();
      await app.close();
      await client[Symbol.asyncDispose]();
    },
  };
}

function observerOf(logger: Logger): OutboxObserver {
  return {
    unavailable: (reason) => logger.warn({ reason }, 'ingest unavailable, events are kept and retried'),
    recovered: () => logger.info('ingest recovered'),
    rejected: (family, id, reason) => logger.error({ family, id, reason }, 'event rejected and dropped'),
    failed: (error) => {
      logger.fatal({ err: error }, 'ingest refuses all requests, exiting');
      process.exit(1);
    },
  };
}
