import { Injectable } from '@nestjs/common';

/** Timeout of one check, shorter than the probe timeouts of orchestrators. */
const CHECK_TIMEOUT_MS = 2_000;

/** Throws an error with the reason if the component does not work. */
type ReadinessCheck = () => void | Promise<void>;

type CheckResult = { readonly status: 'ok' } | { readonly status: 'error'; readonly reason: string };

export interface Readiness {
  readonly status: 'ok' | 'error';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** Readiness checks of the process. */
@Injectable()
export class HealthChecks {
  private readonly checks = new Map<string, ReadinessCheck>();

  /** Adds a check, or replaces the one with that name. */
  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** Runs all checks concurrently; a check that takes more than two seconds fails. */
  async readiness(): Promise<Readiness> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await outcome(check)] as const),
    );
    const status = results.every(([, result]) => result.status === 'ok') ? 'ok' : 'error';
    return { status, checks: Object.fromEntries(results) };
  }
}

async function outcome(check: ReadinessCheck): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no response within ${CHECK_TIMEOUT_MS} ms`)),
      CHECK_TIMEOUT_MS,
    );
  });
  try {
    await Promise.race([check(), timeout]);
    return { status: 'ok' };
  } catch (error) {
    return { status: 'error', reason: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
