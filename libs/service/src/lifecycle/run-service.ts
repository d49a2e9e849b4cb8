import { ConfigFileError } from '../config/file-issues.js';
import { ConfigError } from '../config/read-env.js';
import { keepFilesPrivate } from '../process/private-files.js';

/** Maximum time from the signal to the exit. A service that has not drained by then is terminated, with exit code 1. */
export const DRAIN_TIMEOUT_MS = 40_000;

/** Maximum time that a start may continue after a signal: it may be waiting for an unreachable service. */
export const START_GRACE_MS = 2_000;

/** A running service. `close` drains it. */
export interface Service {
  close(): Promise<void>;
}

/** A service cannot start, for a reason that the operator can fix and that the message states. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code = 'START';
}

/** The part of `process` that is used. Tests pass a fake. */
export interface ProcessControl {
  exitCode?: number | string | null | undefined;
  readonly stderr: { write(text: string): unknown };
  on(event: 'SIGTERM' | 'SIGINT', listener: () => void): unknown;
  exit(code: number): void;
}

/**
 * Runs a service from start to exit. If it cannot start, it prints the reason to stderr, one line per problem (the stack in
 * case of a bug), and exits with code 1. SIGTERM and SIGINT drain the service, and it exits with code 0; a second signal
 * terminates it immediately. A signal during the start terminates it within {@link START_GRACE_MS}.
 */
export async function runService(options: {
  readonly name: string;
  readonly main: () => Promise<Service>;
  /** @default the current process */
  readonly control?: ProcessControl;
}): Promise<void> {
  const { name, main, control = process } = options;
  // Fakes are for tests, whose process has other files as well.
  if (control === process) keepFilesPrivate();
  const fail = (reason: string): void => {
    control.stderr.write(`${name}: ${reason}\n`);
    control.exit(1);
  };
  let closing = false;
  let running = false;
  const started = main();
  const stop = (): void => {
    if (closing) return fail('stopped immediately by a second signal');
    closing = true;
    const deadline = setTimeout(() => fail(`drain timed out after ${DRAIN_TIMEOUT_MS} ms`), DRAIN_TIMEOUT_MS);
    // Normally the process exits when its event loop is empty; the deadline applies if it is not.
    deadline.unref();
    // A service that has not started has accepted nothing, so there is nothing to drain.
    if (!running) setTimeout(() => running || control.exit(0), START_GRACE_MS).unref();
    started
      .then((service) => service.close())
      .then(
        () => {
          control.exitCode = 0;
        },
        (error: unknown) => fail(`shutdown failed: ${described(error)}`),
      );
  };
  control.on('SIGTERM', stop);
  control.on('SIGINT', stop);
  try {
    await started;
    running = true;
  } catch (error) {
    for (const line of startFailure(error).split('\n')) control.stderr.write(`${name}: ${line}\n`);
    control.exit(1);
  }
}

/** Why a service did not start: one line if the operator can fix it, otherwise the stack. */
export function startFailure(error: unknown): string {
  const isExplained =
    error instanceof ConfigError || error instanceof ConfigFileError || error instanceof StartError;
  if (isExplained) return error.message;
  const { code, syscall, address, port } = (error ?? {}) as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  const place =
    address === undefined ? 'HOST' : port === undefined || port === -1 ? address : `${address}:${port}`;
  // A worker of a cluster reports the same errors as `bind`.
  const isListening = syscall === 'listen' || syscall === 'bind';
  if (isListening && code === 'EADDRINUSE') return `cannot listen on ${place}: the port is in use (PORT)`;
  if (isListening && code === 'EACCES') return `cannot listen on ${place}: not permitted (PORT)`;
  if (isListening) return `cannot listen on ${place}: ${code ?? 'failed'} (HOST)`;
  if (syscall === 'getaddrinfo') return `cannot listen: ${code ?? 'unknown address'} (HOST)`;
  return described(error);
}

function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
