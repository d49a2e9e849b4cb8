/** Minimum interval between two reported errors of a process; its log file has all of them. */
export const REPORT_ERROR_EVERY_MS = 10_000;

/** Pino's levels that require action, by name and by number: programs write either. */
const ERROR_LEVELS: readonly unknown[] = ['error', 'fatal', 50, 60];

/** The message of a log line that requires action; `undefined` for all other lines. */
export function errorMessage(line: string): string | undefined {
  // Nearly all lines are of lower levels and are not parsed.
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
    // Truncated, or not a log line: it is in the file.
    return undefined;
  }
}
