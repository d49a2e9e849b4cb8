import { Injectable } from '@nestjs/common';

/** Longest that one check may take: an orchestrator that asks waits little longer. */
const CHECK_TIMEOUT_MS = 2_000;

/** Resolves where the named part works; throws what is wrong with it where not. */
export type ReadinessCheck = () => void | Promise<void>;

export type CheckResult = { readonly status: 'ok' } | { readonly status: 'error'; readonly reason: string };

export interface Readiness {
  readonly status: 'ok' | 'error';
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** What must work for this process to be sent work. */
@Injectable()
export class HealthChecks {
  private readonly checks = new Map<string, ReadinessCheck>();

  /** Adds a check; what had the name before is replaced. */
  register(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** Runs all checks side by side; one that takes more than two seconds has failed. */
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
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
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
