import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { StartError, type Service } from '@hailstream/service/lifecycle';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { AggregatorRegistry } from 'prom-client';
import { kindOf, type DrainRequest, type MetricsAnswer, type MetricsRequest } from './messages.js';

/** Waits before a worker that has exited is started again. The count starts at 0 after a worker has listened. */
const RESTART_BACKOFF = { firstMs: 100, maxMs: 10_000 };

/**
 * Starts processes that share this process's port, and runs `main.js` in each. This process accepts the connections and
 * distributes them in turn; it does not read them. A worker that exits is started again. Resolves once all workers listen.
 *
 * @throws StartError if a worker exits before it listens; it has printed the reason
 */
export async function startWorkers(count: number, logger: Logger): Promise<Service> {
  const group = new WorkerGroup(logger.child({ component: 'workers' }));
  await group.start(count);
  return group;
}

class WorkerGroup implements Service {
  private readonly workers = new Set<Worker>();
  private readonly closing = new AbortController();
  private readonly metrics = new AggregatorRegistry();

  constructor(private readonly logger: Logger) {
    // If this process ends for any reason but SIGKILL, the workers end with it. After a SIGKILL, their channel closes, and they exit.
    process.once('exit', () => this.kill());
  }

  async start(count: number): Promise<void> {
    const starts = Array.from({ length: count }, () => this.fork());
    const listening = await Promise.all(starts.map(untilListening));
    if (!listening.every(Boolean)) {
      this.kill();
      throw new StartError('a worker exited before it listened');
    }
    for (const worker of starts) this.keepRunning(worker);
    this.logger.info({ workers: count }, 'workers are listening');
  }

  async close(): Promise<void> {
    this.closing.abort();
    const exits = [...this.workers].map(async (worker) => {
      const exited = once(worker, 'exit');
      if (worker.isConnected()) worker.send({ kind: 'drain' } satisfies DrainRequest);
      const [code] = (await exited) as [number | null];
      return code === 0;
    });
    if (!(await Promise.all(exits)).every(Boolean)) throw new DrainError('a worker did not drain');
  }

  private fork(): Worker {
    const worker = cluster.fork();
    this.workers.add(worker);
    worker.on('message', (message: unknown) => {
      if (kindOf(message) === 'metrics-request') void this.answer(worker, message as MetricsRequest);
    });
    worker.once('exit', () => this.workers.delete(worker));
    return worker;
  }

  private keepRunning(worker: Worker): void {
    worker.once('exit', (code, signal) => void this.replace(worker, { code, signal }));
  }

  private async replace(
    worker: Worker,
    exit: { readonly code: number; readonly signal: string },
  ): Promise<void> {
    for (let retry = 0; !this.closing.signal.aborted; retry += 1) {
      this.logger.error({ worker: worker.process.pid, ...exit }, 'worker exited, starting another one');
      await sleep(withJitter(backoffMs(retry, RESTART_BACKOFF)), this.closing.signal);
      if (this.closing.signal.aborted) return;
      const successor = this.fork();
      if (await untilListening(successor)) {
        this.keepRunning(successor);
        return;
      }
    }
  }

  private async answer(worker: Worker, { id }: MetricsRequest): Promise<void> {
    const answer = await this.metrics.clusterMetrics().then(
      (text) => ({ text }),
      // A worker that exits meanwhile does not answer. The next scrape asks those that run then.
      (error: unknown) => ({ problem: error instanceof Error ? error.message : String(error) }),
    );
    if (worker.isConnected()) worker.send({ kind: 'metrics-answer', id, ...answer } satisfies MetricsAnswer);
  }

  private kill(): void {
    for (const worker of this.workers) worker.process.kill('SIGKILL');
  }
}

/** A worker exited with another code than 0 when it was to drain. */
class DrainError extends Error {
  override readonly name = 'DrainError';
  readonly code = 'DRAIN';
}

/** Resolves to whether a worker listens; to `false` once it has exited without. */
function untilListening(worker: Worker): Promise<boolean> {
  return new Promise((resolve) => {
    worker.once('listening', () => resolve(true));
    worker.once('exit', () => resolve(false));
  });
}
