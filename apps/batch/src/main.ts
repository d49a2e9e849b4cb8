import { createHttpApp } from '@hailstream/nest';
import { runService } from '@hailstream/service/lifecycle';
import { createLogger } from '@hailstream/service/logging';
import { BatchModule } from './batch.module.js';
import { loadConfig } from './config.js';
import { runCommand } from './commands/run-command.js';

const args = process.argv.slice(2);

if (args.length > 0) process.exitCode = await runCommand(args);
else {
  await runService({
    name: 'batch',
    main: async () => {
      const config = loadConfig();
      const logger = createLogger({ name: 'batch', level: config.logLevel });
      const app = await createHttpApp(BatchModule.forRoot(config, logger), { logger, auth: config.auth });
      await app.listen(config.http.port, config.http.host);
      logger.info({ url: await app.getUrl(), brokers: config.load.connection.brokers }, 'listening');
      return app;
    },
  });
}
