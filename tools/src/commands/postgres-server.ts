import { createLogger } from '@hailstream/nest/logging';
import { PostgresError, startPostgres } from '../postgres.js';
import { onStopSignals } from '../processes/stop-signals.js';

/**
 * The embedded Postgres in a process of its own, so that it is stopped when the launcher is gone, however it went.
 * Arguments: data folder, port. Tells its parent the URL once it answers.
 */
const [dataDir = '', port = ''] = process.argv.slice(2);
const logger = createLogger({ name: 'postgres', level: 'info' });

const started = startPostgres({ dataDir, port: Number(port), logger });
// Keeps this process: the server is another one.
const alive = setInterval(() => undefined, 60_000);
// A stop while it starts waits for the start: a server half started would be left behind.
const stop = async (): Promise<void> => {
  const postgres = await started.catch(() => undefined);
  await postgres?.[Symbol.asyncDispose]();
  clearInterval(alive);
};
onStopSignals(
  () => void stop(),
  () => process.exit(1),
);

try {
  const { url } = await started;
  process.send?.({ url });
} catch (error) {
  clearInterval(alive);
  if (!(error instanceof PostgresError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
