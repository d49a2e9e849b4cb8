import cliProgress from 'cli-progress';

/** Interval of progress lines if stderr is not a terminal. */
const PROGRESS_EVERY_MS = 5_000;
const BAR_EVERY_MS = 100;

/** Prints messages and progress of a command to stderr: a progress bar on a terminal, else a line every few seconds. */
export class ProgressScreen implements Disposable {
  private bar: cliProgress.SingleBar | undefined;
  private timer: NodeJS.Timeout | undefined;
  private printedAt = performance.now();

  /** `command` starts every line; `unit` is what is counted, in the plural. */
  constructor(private readonly names: { readonly command: string; readonly unit: string }) {}

  /** Reports the number of lines read. */
  reading(lineCount: number): void {
    const now = performance.now();
    if (now - this.printedAt < PROGRESS_EVERY_MS) return;
    this.printedAt = now;
    this.print(`${lineCount} lines read`);
  }

  /** Starts to report how many of `total` are accepted. */
  sending(total: number, done: () => number): void {
    const { unit } = this.names;
    if (process.stderr.isTTY) {
      this.bar = new cliProgress.SingleBar({
        format: `{bar} {value} of {total} ${unit}, {eta_formatted} left`,
        stream: process.stderr,
        clearOnComplete: true,
      });
      this.bar.start(total, 0);
      this.timer = setInterval(() => this.bar?.update(done()), BAR_EVERY_MS);
    } else {
      this.timer = setInterval(() => this.print(`${done()} of ${total} ${unit} accepted`), PROGRESS_EVERY_MS);
    }
  }

  print(text: string): void {
    // Clears the bar, which is drawn again at its next update.
    process.stderr.write(`${this.bar === undefined ? '' : '\r\u001B[K'}${this.names.command}: ${text}\n`);
  }

  /** Prints a total, if only the first ones were listed. */
  printTotal(what: string, count: number, listed: number): void {
    if (count > listed) this.print(`${count} ${what} in total; only the first ${listed} are listed`);
  }

  end(): void {
    clearInterval(this.timer);
    this.bar?.stop();
    this.bar = undefined;
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
