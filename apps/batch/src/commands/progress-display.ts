import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../load/load-run.js';

/** How often a line is written where there is no terminal to draw on. */
const LINE_EVERY_MS = 5_000;

/** Shows how far a load is, on stderr: a bar on a terminal, else a line now and then. */
export class ProgressDisplay implements Disposable {
  private readonly bar: SingleBar | undefined;
  private lastLineAt = performance.now();

  constructor(private readonly stream: NodeJS.WriteStream) {
    if (!stream.isTTY) return;
    const format =
      'loading {bar} {percentage}% | {value}/{total} records | {duration_formatted} | {eta_formatted} to go';
    this.bar = new SingleBar({ stream, format, hideCursor: true }, Presets.shades_classic);
  }

  show({ total, done }: Progress): void {
    if (this.bar) {
      if (this.bar.isActive) this.bar.update(done);
      else this.bar.start(total, done);
      return;
    }
    const isDue = performance.now() - this.lastLineAt >= LINE_EVERY_MS;
    if (!isDue && done !== total) return;
    this.lastLineAt = performance.now();
    this.stream.write(`loading: ${done} of ${total} records\n`);
  }

  [Symbol.dispose](): void {
    this.bar?.stop();
  }
}
