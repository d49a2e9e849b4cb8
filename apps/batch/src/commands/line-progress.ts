/** Interval of the lines if the stream is not a terminal. */
const LINE_EVERY_MS = 5_000;
/** Interval of changes of the line on a terminal. */
const REDRAW_EVERY_MS = 200;

/** Shows progress in one line that changes on a terminal, otherwise in a line every few seconds. */
export class LineProgress implements Disposable {
  private lastAt = performance.now();
  private isDrawn = false;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(text: string): void {
    const everyMs = this.stream.isTTY ? REDRAW_EVERY_MS : LINE_EVERY_MS;
    if (performance.now() - this.lastAt < everyMs) return;
    this.lastAt = performance.now();
    this.stream.write(this.stream.isTTY ? `\r${text}` : `${text}\n`);
    this.isDrawn = true;
  }

  [Symbol.dispose](): void {
    if (this.isDrawn && this.stream.isTTY) this.stream.write('\n');
  }
}
