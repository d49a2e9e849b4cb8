import { runService } from '@hailstream/service/lifecycle';
import { createLogger } from '@hailstream/service/logging';
import { loadConfig } from './config.js';
import { createIngest } from './ingest.module.js';

await runService({
  name: 'ingest',
  main: async () => {
    const config = loadConfig();
    const logger = createLogger({ name: 'ingest', level: config.logLevel });
    const app = await createIngest(config, logger);
    await app.listen(config.http.port, config.http.host);
    logger.info({ url: await app.getUrl(), brokers: config.log.connection.brokers }, 'listening');
    return app;
  },
});
