import { afterAll, beforeAll, describe, it } from 'vitest';
import { AREAS } from './index.js';
import { LogUnderTest } from './log-under-test.js';

/** A log that runs for as long as the scenarios do. */
export interface RunningLog extends AsyncDisposable {
  readonly addresses: readonly string[];
}

/**
 * Makes a test of each scenario, all against one log.
 *
 * @param differs what this log is known not to do, by area and scenario, and why; it fails where it does it
 */
export function runScenarios(
  start: () => Promise<RunningLog>,
  differs: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): void {
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
        const why = differs[title]?.[name];
        const test = why === undefined ? it : it.fails;
        test(why === undefined ? name : `${name} (not: ${why})`, async () => {
          using log = new LogUnderTest(running?.addresses ?? []);
          await run(log);
        });
      }
    });
  }
}
