import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RealtimeConfig } from '../config.js';
import { cacheControl, contentSecurityPolicy } from './page-headers.js';

const NOT_BUILT = 'The page is not built. Build it with: pnpm --filter @hailstream/dashboard build\n';

/** Serves the built page at `/`, or 503 with instructions if it is not built. */
export async function servePage(app: NestFastifyApplication, page: RealtimeConfig['page']): Promise<void> {
  const policy = contentSecurityPolicy(page);
  const fastify = app.getHttpAdapter().getInstance();
  if (!existsSync(join(page.directory, 'index.html'))) {
    fastify.get('/', (_request, reply) =>
      reply.status(503).header('cache-control', 'no-store').type('text/plain; charset=utf-8').send(NOT_BUILT),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: page.directory,
    // The build has written the compressed files.
    preCompressed: true,
    cacheControl: false,
    setHeaders: (reply, path) => {
      reply.header('cache-control', cacheControl(path));
      reply.header('content-security-policy', policy);
      reply.header('x-content-type-options', 'nosniff');
      reply.header('referrer-policy', 'no-referrer');
    },
  });
}
