import { createRequire } from 'node:module';
import { runService } from '@hailstream/service/lifecycle';
import { createLogger } from '@hailstream/service/logging';
import { loadConfig } from './config.js';
import type * as factory from './realtime.factory.js';
import { signIn } from './sign-in/sign-in.js';

const require = createRequire(import.meta.url);
const args = process.argv.slice(2);

if (args.length > 0) {
  const { stdout, stderr } = await signIn(args, loadConfig);
  if (stdout !== undefined) process.stdout.write(`${stdout}\n`);
  for (const line of stderr?.split('\n') ?? []) process.stderr.write(`realtime: ${line}\n`);
  if (stderr !== undefined) process.exitCode = 1;
} else {
  await runService({
    name: 'realtime',
    main: async () => {
      const config = loadConfig();
      const logger = createLogger({ name: 'realtime', level: config.logLevel });
      // Two thousand modules: `import`, which reads each of them asynchronously, takes 15 % longer.
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
