import cluster from 'node:cluster';
import type { HealthChecks } from '@hailstream/nest';
import type { ProcessControl, Service } from '@hailstream/service/lifecycle';
import { sleep } from '@hailstream/service/timers';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { kindOf, type MetricsAnswer, type MetricsRequest } from './messages.js';

/** Maximum time that a worker waits for the log before it listens. */
const READY_WITHIN_MS = 5_000;
const READY_POLL_MS = 50;

/** Time limit for the metrics of all workers. */
const METRICS_TIMEOUT_MS = 6_000;

/** Whether this process is one of several that share a port. */
export const isWorker = cluster.isWorker;

/**
 * Signals of a worker for `runService`. A worker drains when the group's process requests it, and when it is signalled. Ctrl-C and
 * service managers signal every process of a group, so that requests to drain are repeated: only the first one counts.
 */
export class WorkerControl implements ProcessControl {
  readonly stderr = process.stderr;

  set exitCode(code: number) {
    process.exitCode = code;
  }

  on(event: 'SIGTERM' | 'SIGINT', drain: () => void): void {
    if (event === 'SIGINT') return;
    let isDraining = false;
    const drainOnce = (): void => {
      if (isDraining) return;
      isDraining = true;
      drain();
    };
    process.on('SIGTERM', drainOnce);
    process.on('SIGINT', drainOnce);
    process.on('message', (message) => {
      if (kindOf(message) === 'drain') drainOnce();
    });
  }

  exit(code: number): void {
    process.exit(code);
  }
}

/**
 * Waits until a worker can write to the log, so that it receives no connections that the other workers can serve. If the log
 * is unreachable, the worker listens after {@link READY_WITHIN_MS}, and responds 503 like the others.
 */
export async function untilReady(checks: HealthChecks): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while ((await checks.readiness()).status !== 'ok' && performance.now() < giveUpAt)
    await sleep(READY_POLL_MS);
}

/** The service of a worker: after it has drained, it leaves the group, so that the process can exit. */
export function inGroup(service: Service): Service {
  return {
    close: async () => {
      await service.close();
      cluster.worker?.disconnect();
    },
  };
}

/** Contributes the metrics of a worker to those of the group. Returns a function that collects the metrics of all workers. */
export function shareMetrics(registry: Registry): () => Promise<string> {
  AggregatorRegistry.setRegistries([registry]);
  // Answers the requests for the metrics of this worker.
  void new AggregatorRegistry();
  let requests = 0;
  const waiting = new Map<number, (answer: MetricsAnswer) => void>();
  process.on('message', (message) => {
    if (kindOf(message) !== 'metrics-answer') return;
    const answer = message as MetricsAnswer;
    waiting.get(answer.id)?.(answer);
  });
  return async () => {
    requests += 1;
    const id = requests;
    const answer = await new Promise<MetricsAnswer>((resolve) => {
      const problem = `no response within ${METRICS_TIMEOUT_MS} ms`;
      const timer = setTimeout(() => resolve({ kind: 'metrics-answer', id, problem }), METRICS_TIMEOUT_MS);
      waiting.set(id, (received) => {
        clearTimeout(timer);
        resolve(received);
      });
      process.send?.({ kind: 'metrics-request', id } satisfies MetricsRequest);
    }).finally(() => waiting.delete(id));
    if ('problem' in answer) throw new Error(`metrics of all workers: ${answer.problem}`);
    return answer.text;
  };
}
