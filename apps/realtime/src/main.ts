import { createRequire } from 'node:module';
import type * as lifecycle from '@hailstream/service/lifecycle';
import type * as logging from '@hailstream/service/logging';
import type * as configuration from './config.js';
import type * as factory from './realtime.factory.js';
import type * as signing from './sign-in/sign-in.js';

// Two thousand modules: `import`, which reads each of them asynchronously, takes 15 % longer.
const require = createRequire(import.meta.url);
const { runService } = require('@hailstream/service/lifecycle') as typeof lifecycle;
const { loadConfig } = require('./config.js') as typeof configuration;
const args = process.argv.slice(2);

if (args.length > 0) {
  const { signIn } = require('./sign-in/sign-in.js') as typeof signing;
  const { stdout, stderr } = await signIn(args, loadConfig);
  if (stdout !== undefined) process.stdout.write(`${stdout}\n`);
  for (const line of stderr?.split('\n') ?? []) process.stderr.write(`realtime: ${line}\n`);
  if (stderr !== undefined) process.exitCode = 1;
} else {
  await runService({
    name: 'realtime',
    main: async () => {
      const config = loadConfig();
      const { createLogger } = require('@hailstream/service/logging') as typeof logging;
      const logger = createLogger({ name: 'realtime', level: config.logLevel });
      const { createRealtime, followLog } = require('./realtime.factory.js') as typeof factory;
      const app = await createRealtime(config, logger);
      await app.listen(config.http.port, config.http.host);
      logger.info({ url: await app.getUrl(), brokers: config.log.connection.brokers }, 'listening');
      followLog(app, config, logger).catch((error: unknown) => {
        logger.fatal({ err: error }, 'reading the log failed');
        process.exitCode = 1;
        process.kill(process.pid, 'SIGTERM');
      });
      return app;
    },
  });
}
