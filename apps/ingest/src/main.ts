import { HealthChecks } from '@hailstream/nest';
import { runService } from '@hailstream/service/lifecycle';
import { createLogger } from '@hailstream/service/logging';
import { loadConfig } from './config.js';
import { createIngest } from './ingest.module.js';
import { inGroup, isWorker, untilReady, WorkerControl } from './workers/worker.js';
import { startWorkers } from './workers/worker-group.js';

await runService({
  name: 'ingest',
  ...(isWorker && { control: new WorkerControl() }),
  main: async () => {
    const config = loadConfig();
    const logger = createLogger({ name: 'ingest', level: config.logLevel });
    if (config.workers > 1 && !isWorker) return await startWorkers(config.workers, logger);
    const app = await createIngest(config, logger);
    await app.init();
    if (isWorker) await untilReady(app.get(HealthChecks));
    await app.listen(config.http.port, config.http.host);
    logger.info({ url: await app.getUrl(), brokers: config.log.connection.brokers }, 'listening');
    return isWorker ? inGroup(app) : app;
  },
});
