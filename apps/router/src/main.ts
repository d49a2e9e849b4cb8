import { runService } from '@hailstream/service/lifecycle';
import { createLogger } from '@hailstream/service/logging';
import { runCommand, parseServe } from './commands/run-command.js';
import { loadConfig } from './config.js';

const args = process.argv.slice(2);
const service = parseServe(args);
// The SDK announces when its next versions need a newer Node; the version here is pinned.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

if (service === undefined) process.exitCode = await runCommand(args);
else {
  await runService({
    name: 'router',
    main: async () => {
      // Only the service needs Nest: without it, commands start in half the time.
      const { createHttpApp } = await import('@hailstream/nest');
      const { RouterModule } = await import('./router.module.js');
      const { EncodingPool } = await import('@hailstream/parquet');
      const config = loadConfig(service.config);
      const logger = createLogger({ name: 'router', level: config.logLevel });
      const app = await createHttpApp(RouterModule.forRoot(config, logger, new EncodingPool()), {
        logger,
        auth: config.auth,
      });
      await app.listen(config.http.port, config.http.host);
      logger.info({ url: await app.getUrl(), brokers: config.connection.brokers }, 'listening');
      return app;
    },
  });
}
