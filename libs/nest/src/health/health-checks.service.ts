import { NotReadyError } from '@hailstream/service/not-ready';
import { Injectable } from '@nestjs/common';

/** Timeout of one check, shorter than the probe timeouts of orchestrators. */
const CHECK_TIMEOUT_MS = 2_000;

/** Throws an error with the reason if the component does not work. A {@link NotReadyError} also has the time since when. */
type ReadinessCheck = () => void | Promise<void>;

type CheckResult =
  | { readonly status: 'ok' }
  | {
      readonly status: 'error';
      readonly reason: string;
      /** ISO 8601. The time of the first readiness request that failed, if the component does not know more. */
      readonly since: string;
    };

export interface Readiness {
  readonly status: 'ok' | 'error';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** Readiness checks of the process: whether it makes progress, or has nothing to do. */
@Injectable()
export class HealthChecks {
  private readonly checks = new Map<string, ReadinessCheck>();
  /** Times of the first failures since the last success, by check. */
  private readonly failedAtMs = new Map<string, number>();

  /** Adds a check, or replaces the one with that name. */
  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** Runs all checks concurrently; a check that takes more than two seconds fails. */
  async readiness(): Promise<Readiness> {
    const results = await Promise.all(
      [...this.checks].map(
        async ([name, check]) => [name, this.resultOf(name, await outcome(check))] as const,
      ),
    );
    const status = results.every(([, result]) => result.status === 'ok') ? 'ok' : 'error';
    return { status, checks: Object.fromEntries(results) };
  }

  private resultOf(name: string, failure: Error | undefined): CheckResult {
    if (failure === undefined) {
      this.failedAtMs.delete(name);
      return { status: 'ok' };
    }
    const firstMs = this.failedAtMs.get(name) ?? Date.now();
    this.failedAtMs.set(name, firstMs);
    const sinceMs = failure instanceof NotReadyError ? failure.sinceMs : firstMs;
    return { status: 'error', reason: failure.message, since: new Date(sinceMs).toISOString() };
  }
}

/** Returns why a check fails; `undefined` if it does not. */
async function outcome(check: ReadinessCheck): Promise<Error | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no response within ${CHECK_TIMEOUT_MS} ms`)),
      CHECK_TIMEOUT_MS,
    );
  });
  try {
    await Promise.race([check(), timeout]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    clearTimeout(timer);
  }
}
