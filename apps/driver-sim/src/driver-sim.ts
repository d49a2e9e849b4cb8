import { createHttpApp, HealthChecks, HealthModule, LoggingModule, MetricsModule } from '@hailstream/nest';
import type { CityFile } from '@hailstream/events/city-file';
import { ConfigError } from '@hailstream/service/config';
import type { Service } from '@hailstream/service/lifecycle';
import { createLogger, type Logger } from '@hailstream/service/logging';
import { makeToken } from '@hailstream/service/tokens';
import { buildRoadGraph, type RoadGraph } from '@hailstream/roads';
import { Registry } from 'prom-client';
import type { DriverSimConfig } from './config.js';
import { registerOutboxMetrics } from './outbox/outbox-metrics.js';
import { IngestClient } from './outbox/ingest-client.http.js';
import { MAX_REQUESTS_IN_FLIGHT, Outbox, type OutboxObserver } from './outbox/outbox.js';
import { CityRunner } from './simulation/city-runner.js';
import { SimulatedCity } from './simulation/city.js';
import { shareVehicles } from './simulation/share-vehicles.js';

/** Lifetime of the token that the simulator signs: longer than any run. */
const OWN_TOKEN_EXPIRES_IN = '3650 days';

class DriverSimModule {}

/** Starts the simulation, and an HTTP server for health and metrics. Resolves once it listens at `url`. */
export async function startDriverSim(config: DriverSimConfig): Promise<Service & { readonly url: string }> {
  const logger = createLogger({ name: 'driver-sim', level: config.http.logLevel });
  const graphs = config.cities.map(graphOf);
  const app = await createHttpApp(
    { module: DriverSimModule, imports: [LoggingModule.forRoot(logger), HealthModule, MetricsModule] },
    { logger },
  );
  const client = new IngestClient({
    ...config.ingest,
    token: await tokenOf(config),
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
  const { vehicles, seed, ingest } = config;
  const shares = shareVehicles(
    vehicles,
    graphs.map(({ nodes }) => nodes.length),
  );
  const cities = graphs.map((graph, index) => {
    return new SimulatedCity({
      graph,
      vehicles: shares[index]!,
      // Device ids follow from the seed: the first city has the same ones if it is alone.
      seed: index === 0 ? seed : `${seed}:${config.cities[index]!.name}`,
      providerId: ingest.providerId,
      startMs,
      emit: (kind, event) => outbox.put(kind, event),
    });
  });
  const runner = new CityRunner({ cities, outbox, logger, startMs });
  logger.info(
    {
      cities: config.cities.map(({ name }, index) => ({
        name,
        vehicles: shares[index],
        nodes: graphs[index]!.nodes.length,
        unreachable: graphs[index]!.unreachable,
      })),
      ingest: ingest.url.href,
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

/** @throws ConfigError if the city has no connected road network */
function graphOf(city: CityFile): RoadGraph {
  const graph = buildRoadGraph(city);
  if (graph.nodes.length >= 2) return graph;
  const got = `${city.name}, which has no two connected places`;
  throw new ConfigError([{ variable: 'CITY_FILE', expected: 'a city with a connected road network', got }]);
}

/** Returns the configured token, or signs one if only the secret is configured. */
async function tokenOf({ auth, ingest }: DriverSimConfig): Promise<string | undefined> {
  if (ingest.token !== undefined || auth.kind !== 'secret') return ingest.token;
  return makeToken(auth.secret, { scopes: ['write'], providerId: ingest.providerId }, OWN_TOKEN_EXPIRES_IN);
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
