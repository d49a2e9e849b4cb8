import cliProgress from 'cli-progress';

/** How often progress is told if there is no terminal to draw a bar on. */
const PROGRESS_EVERY_MS = 5_000;
const BAR_EVERY_MS = 100;

/** Lines and progress on stderr: a bar on a terminal, else a line now and then. */
export class ReplayScreen implements Disposable {
  #bar: cliProgress.SingleBar | undefined;
  #timer: NodeJS.Timeout | undefined;
  #toldReadingAt = performance.now();

  /** So many lines were read so far. */
  reading(lineCount: number): void {
    const now = performance.now();
    if (now - this.#toldReadingAt < PROGRESS_EVERY_MS) return;
    this.#toldReadingAt = now;
    this.tell(`${lineCount} lines read`);
  }

  /** From now on events are sent. */
  sending(total: number, done: () => number): void {
    if (process.stderr.isTTY) {
      this.#bar = new cliProgress.SingleBar({
        format: '{bar} {value} of {total} fixes, {eta_formatted} left',
        stream: process.stderr,
        clearOnComplete: true,
      });
      this.#bar.start(total, 0);
      this.#timer = setInterval(() => this.#bar?.update(done()), BAR_EVERY_MS);
    } else {
      this.#timer = setInterval(() => this.tell(`${done()} of ${total} fixes accepted`), PROGRESS_EVERY_MS);
    }
  }

  tell(text: string): void {
    // The bar redraws itself below.
    process.stderr.write(`${this.#bar === undefined ? '' : '\r\u001B[K'}replay: ${text}\n`);
  }

  /** Tells how many there are in all, if only the first were told one by one. */
  tellRest(what: string, count: number, told: number): void {
    if (count > told) this.tell(`${count} ${what} in all; the first ${told} are told above`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#bar?.stop();
    this.#bar = undefined;
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
