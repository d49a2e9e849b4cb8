import type { BatchConsumer } from '@hailstream/log';

/** Starts a consumer. It is closed if the signal is aborted meanwhile, which ends the wait for an assignment. */
export async function startUnlessAborted(consumer: BatchConsumer, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const close = (): void => void consumer[Symbol.asyncDispose]();
  signal.addEventListener('abort', close, { once: true });
  try {
    await consumer.start();
  } finally {
    signal.removeEventListener('abort', close);
  }
}
