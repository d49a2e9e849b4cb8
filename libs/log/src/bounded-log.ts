import type { Logger } from 'pino';

/** How often the same is said. */
const EVERY_MS = 10_000;

/**
 * Says what may happen again and again: the first time at once, then at most every ten seconds, with how often it
 * happened in between (`times`). Whoever is turned away tries again, often.
 */
export class BoundedLog {
  private readonly quiet = new Map<string, { times: number; fields: object; timer: NodeJS.Timeout }>();

  constructor(private readonly logger: Logger) {}

  /** @param message one of few: each is bounded for itself */
  say(level: 'warn' | 'error', fields: object, message: string): void {
    const known = this.quiet.get(message);
    if (known !== undefined) {
      known.times++;
      known.fields = fields;
      return;
    }
    this.logger[level]({ ...fields, times: 1 }, message);
    this.hush(level, message);
  }

  private hush(level: 'warn' | 'error', message: string): void {
    const timer = setTimeout(() => {
      const { times, fields } = this.quiet.get(message) ?? { times: 0, fields: {} };
      this.quiet.delete(message);
      if (times === 0) return;
      this.logger[level]({ ...fields, times }, message);
      this.hush(level, message);
    }, EVERY_MS).unref();
    this.quiet.set(message, { times: 0, fields: {}, timer });
  }

  /** Forgets what was to be said later. */
  end(): void {
    for (const { timer } of this.quiet.values()) clearTimeout(timer);
    this.quiet.clear();
  }
}
