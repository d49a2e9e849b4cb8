import fastifyCompress from '@fastify/compress';
import { connectLog, createHttpApp, LogTransport, type ConnectionLimits } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RealtimeConfig } from './config.js';
import { servePage } from './page/page.adapter.js';
import { AuditReader } from './feed-health/audit-reader.service.js';
import { FoldService } from './log/fold.service.js';
import { LiveAdapter } from './live/live.adapter.js';
import { HANDSHAKES } from './live/live.tokens.js';
import type { Turnstile } from './live/turnstile.js';
import { RebuildService } from './rebuild/rebuild.service.js';
import { RealtimeModule } from './realtime.module.js';

/** Maximum number of connections in addition to those of pages. */
const MAX_OTHER_CONNECTIONS = 10_000;

/** The app, before it listens. */
export async function createRealtime(
  config: RealtimeConfig,
  logger: Logger,
): Promise<NestFastifyApplication> {
  const app = await createHttpApp(RealtimeModule.forRoot(config, logger), {
    logger,
    auth: config.auth,
    allowedOrigins: config.page.allowedOrigins,
    connectionLimits: connectionLimits(config.live.sockets),
  });
  app.useWebSocketAdapter(
    new LiveAdapter(app, config.page.allowedOrigins, app.get<Turnstile>(HANDSHAKES, { strict: false })),
  );
  await servePage(app, config.page);
  // Registered after the page, whose files were compressed when they were built: it applies to the routes that follow.
  await app.register(fastifyCompress, { encodings: ['br', 'gzip'], globalDecompression: false });
  return app;
}

/** All pages may have the address of one proxy. */
function connectionLimits(sockets: number): ConnectionLimits {
  return { total: sockets + MAX_OTHER_CONNECTIONS, perAddress: sockets + MAX_OTHER_CONNECTIONS / 2 };
}

/**
 * Rebuilds the city from the log, then reads the log as it grows. Called once the app listens, so that health checks and
 * pages are answered during the rebuild. Waits for a log that is not reachable yet. If the log is lost or recreated, the
 * city is rebuilt from the new one. Resolves once the app is closed.
 */
export async function followLog(
  app: NestFastifyApplication,
  config: RealtimeConfig,
  logger: Logger,
): Promise<void> {
  const rebuild = app.get(RebuildService);
  const fold = app.get(FoldService);
  const transport = new LogTransport({
    connection: config.log.connection,
    logger: logger.child({ component: 'consumer' }),
    groupId: 'realtime',
    offsets: () => rebuild.begin(),
    onRejected: (rejected) => fold.countRejected(rejected),
    onPosition: (position) => fold.skipTo(position),
    onGap: (gap) => {
      fold.skipGap(gap);
      if (gap.cause === 'log-end') rebuild.noteLostEnd(gap);
    },
    onUndecodable: (batch) => fold.skipUndecodable(batch),
    onConsumer: (consumer) => rebuild.follow(consumer),
  });
  connectLog(app, transport);
  await app.startAllMicroservices();
  app.get(AuditReader).start();
  await rebuild.startOverWhenLost((whileStopped) => transport.restart(whileStopped));
}
