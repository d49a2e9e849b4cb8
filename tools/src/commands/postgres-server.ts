import { createLogger } from '@hailstream/service/logging';
import { PostgresError, startPostgres, type RunningPostgres } from '../postgres.js';
import { watchServer, type ServerEnd, type ServerWatch } from '../postgres/watch.js';
import { onStopSignals } from '../processes/stop-signals.js';

/**
 * Runs the embedded Postgres in a separate process, so that it stops when the launcher ends for any reason. Arguments:
 * data folder, port. Sends the URL to its parent once the server answers. Exits with code 1 if the server exits or hangs;
 * the launcher then restarts it.
 */
const [dataDir = '', port = ''] = process.argv.slice(2);
const logger = createLogger({ name: 'postgres', level: 'info' });

const started = startPostgres({ dataDir, port: Number(port), logger });
// Keeps this process running: the server is not a child of it.
const alive = setInterval(() => undefined, 60_000);
let watch: ServerWatch | undefined;
let isStopping = false;
// A stop during the start waits for the start to finish; otherwise the server would be left running.
const stop = async (): Promise<void> => {
  isStopping = true;
  const postgres = await started.catch(() => undefined);
  watch?.[Symbol.dispose]();
  await postgres?.[Symbol.asyncDispose]();
  clearInterval(alive);
};
onStopSignals(
  () => void stop(),
  () => process.exit(1),
);

try {
  const postgres = await started;
  process.send?.({ url: postgres.url });
  watch = watchServer(postgres);
  void watch.failed.then((end) => giveUp(postgres, end));
} catch (error) {
  clearInterval(alive);
  if (!(error instanceof PostgresError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

function giveUp({ pid }: RunningPostgres, end: ServerEnd): void {
  if (isStopping) return;
  const message = end === 'ended' ? 'Postgres server exited' : 'Postgres server unresponsive, killing it';
  logger.error({ serverPid: pid }, message);
  // The next start ends its remaining processes.
  if (end === 'hung') process.kill(pid, 'SIGKILL');
  process.exitCode = 1;
  watch?.[Symbol.dispose]();
  clearInterval(alive);
}
