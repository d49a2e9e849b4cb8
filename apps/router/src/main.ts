import { createHttpApp } from '@hailstream/nest';
import { runService } from '@hailstream/service/lifecycle';
import { createLogger } from '@hailstream/service/logging';
import { runCommand } from './commands/run-command.js';
import { loadConfig } from './config.js';
import { RouterModule } from './router.module.js';

const args = process.argv.slice(2);

if (args.length > 0) process.exitCode = await runCommand(args);
else {
  await runService({
    name: 'router',
    main: async () => {
      const config = loadConfig();
      const logger = createLogger({ name: 'router', level: config.logLevel });
      const app = await createHttpApp(RouterModule.forRoot(config, logger), { logger });
      await app.listen(config.http.port, config.http.host);
      logger.info({ url: await app.getUrl(), brokers: config.connection.brokers }, 'listening');
      return app;
    },
  });
}
