import type { LogUnderTest } from './log-under-test.js';

/** Behaviour of a broker that clients rely on, independent of its implementation. */
interface Scenario {
  readonly name: string;
  /** Rejects if the broker behaves differently. */
  readonly run: (log: LogUnderTest) => Promise<void>;
}

/** Scenarios of one API or feature, by name. */
export interface Area {
  readonly title: string;
  readonly scenarios: readonly Scenario[];
}

export function area(title: string, scenarios: Readonly<Record<string, Scenario['run']>>): Area {
  return { title, scenarios: Object.entries(scenarios).map(([name, run]) => ({ name, run })) };
}

/** Defines a scenario for each value, which replaces `$` in the name. */
export function each<T>(
  values: readonly T[],
  name: string,
  run: (log: LogUnderTest, value: T) => Promise<void>,
): Record<string, Scenario['run']> {
  return Object.fromEntries(
    values.map((value) => [name.replace('$', String(value)), (log: LogUnderTest) => run(log, value)]),
  );
}
