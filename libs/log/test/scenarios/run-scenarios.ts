import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AREAS } from './index.js';
import { LogUnderTest } from './log-under-test.js';

/** A log that runs while the scenarios run. */
interface RunningLog extends AsyncDisposable {
  readonly addresses: readonly string[];
}

/** Defines a test for each scenario. All share one log. */
export function runScenarios(start: () => Promise<RunningLog>): void {
  let running: RunningLog | undefined;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
  });
  for (const { title, scenarios } of AREAS) {
    describe(title, () => {
      for (const { name, run } of scenarios) {
        it(name, async () => {
          using log = new LogUnderTest(running?.addresses ?? []);
          await expect(run(log)).resolves.toBeUndefined();
        });
      }
    });
  }
}
