/** Shortest time from one error that is told to the next one of the same process; the log has them all. */
export const TELL_ERROR_EVERY_MS = 10_000;

/** Pino's levels that a person must act on, as name and as number: our programs write either. */
const ERROR_LEVELS: readonly unknown[] = ['error', 'fatal', 50, 60];

/** What a log line says that a person must act on; `undefined` where it is something else. */
export function errorMessage(line: string): string | undefined {
  // Nearly all lines are something else: they are not parsed.
  if (!/"level":("error"|"fatal"|[56]0)/.test(line)) return undefined;
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level: unknown;
      msg?: string;
      err?: { message?: string };
    };
    if (!ERROR_LEVELS.includes(level)) return undefined;
    return [msg, err?.message].filter((part) => part !== undefined && part !== '').join(': ');
  } catch {
    // A line that was cut, or is no log line: it is in the file.
    return undefined;
  }
}
