const INTERVAL_MS = 10_000;

/** The methods of a Pino logger that are used. */
export interface TargetLogger {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * Logs conditions that may occur many times a second, such as rejected connections of clients that retry. A message is
 * logged at its first occurrence and then at most once every ten seconds, with the number of occurrences since the last
 * line in the field `times` and the fields of the latest.
 */
export class RateLimitedLogger {
  private readonly suppressed = new Map<string, { times: number; fields: object; timer: NodeJS.Timeout }>();

  constructor(private readonly logger: TargetLogger) {}

  /** @param message a constant, because the limit applies per message */
  warn(fields: object, message: string): void {
    this.log('warn', fields, message);
  }

  /** @param message a constant, because the limit applies per message */
  error(fields: object, message: string): void {
    this.log('error', fields, message);
  }

  /** Cancels the lines that are due later. */
  stop(): void {
    for (const { timer } of this.suppressed.values()) clearTimeout(timer);
    this.suppressed.clear();
  }

  private log(level: 'warn' | 'error', fields: object, message: string): void {
    const suppressed = this.suppressed.get(message);
    if (suppressed !== undefined) {
      suppressed.times++;
      suppressed.fields = fields;
      return;
    }
    this.logger[level]({ ...fields, times: 1 }, message);
    this.suppress(level, message);
  }

  private suppress(level: 'warn' | 'error', message: string): void {
    const timer = setTimeout(() => {
      const { times, fields } = this.suppressed.get(message) ?? { times: 0, fields: {} };
      this.suppressed.delete(message);
      if (times === 0) return;
      this.logger[level]({ ...fields, times }, message);
      this.suppress(level, message);
    }, INTERVAL_MS).unref();
    this.suppressed.set(message, { times: 0, fields: {}, timer });
  }
}
