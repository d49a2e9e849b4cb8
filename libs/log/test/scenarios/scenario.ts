import type { LogUnderTest } from './log-under-test.js';

/** Something that a broker promises to clients, whoever's broker it is. */
export interface Scenario {
  readonly name: string;
  /** Rejects where the promise is not kept. */
  readonly run: (log: LogUnderTest) => Promise<void>;
}

/** Scenarios about one thing, by their names. */
export interface Area {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}

export function area(title: string, scenarios: Readonly<Record<string, Scenario['run']>>): Area {
  return { title, scenarios: Object.entries(scenarios).map(([name, run]) => ({ name, run })) };
}

/** A scenario for each value; `$` in the name stands for it. */
export function each<T>(
  values: readonly T[],
  name: string,
  run: (log: LogUnderTest, value: T) => Promise<void>,
): Record<string, Scenario['run']> {
  return Object.fromEntries(
    values.map((value) => [name.replace('$', String(value)), (log: LogUnderTest) => run(log, value)]),
  );
}
