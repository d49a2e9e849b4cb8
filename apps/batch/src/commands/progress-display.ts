import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../load/load-run.js';

/** Interval of the progress lines if the stream is not a terminal. */
const LINE_EVERY_MS = 5_000;

/** Shows the progress of a load or a comparison: a bar on a terminal, otherwise a line every few seconds. */
export class ProgressDisplay implements Disposable {
  private readonly bar: SingleBar | undefined;
  private lastLineAt = performance.now();

  constructor(
    private readonly stream: NodeJS.WriteStream,
    private readonly activity = 'loading',
  ) {
    if (!stream.isTTY) return;
    const format = `${activity} {bar} {percentage}% | {value}/{total} records | {duration_formatted} | {eta_formatted} left`;
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
    this.stream.write(`${this.activity}: ${done} of ${total} records\n`);
  }

  /** Shows how many trips were rebuilt after the load. */
  showRebuilt(trips: number): void {
    this.bar?.stop();
    if (performance.now() - this.lastLineAt < LINE_EVERY_MS) return;
    this.lastLineAt = performance.now();
    this.stream.write(`rebuilding trips: ${trips} done\n`);
  }

  [Symbol.dispose](): void {
    this.bar?.stop();
  }
}
