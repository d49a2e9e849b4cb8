import { StringDecoder } from 'node:string_decoder';
import { Writable } from 'node:stream';

/** Longer lines are truncated: a stream without line ends must not fill the memory. */
const MAX_LINE_CHARS = 4_000;

/** Calls back with each line of a UTF-8 stream, without its line end; the last line follows at the end of the stream. */
export class LineSplitter extends Writable {
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(private readonly onLine: (line: string) => void) {
    super({ decodeStrings: true });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const lines = (this.rest + this.decoder.write(chunk)).split('\n');
    this.rest = (lines.pop() ?? '').slice(0, MAX_LINE_CHARS);
    for (const line of lines) this.onLine(line.slice(0, MAX_LINE_CHARS).trimEnd());
    done();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.rest !== '') this.onLine(this.rest);
    done();
  }
}
