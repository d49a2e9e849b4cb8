import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A generated trace and its expected result. */
interface Trace extends AsyncDisposable {
  readonly file: string;
  readonly cabs: number;
  /** Distinct fixes: the expected number of events and rows. */
  readonly distinct: number;
  /** Lines that repeat an earlier line. */
  readonly repeated: number;
  readonly brokenLines: number;
}

const BROKEN_LINES = ['cab0,yesterday,43.7,7.4,0', 'cab0,1700000000,143.7,7.4,0', 'cab0,1700000000', '"cab0'];
const FIRST_TS = 1_700_000_000;

/**
 * Cabs that report every second. Some lines occur twice in a row, as from a receiver that repeats itself; some are
 * repeated much later, as from a device that sends again; some are invalid.
 */
export async function makeTrace(size: { readonly cabs: number; readonly seconds: number }): Promise<Trace> {
  const lines = ['cab,ts,lat,lon,occ'];
  const distinct = new Set<string>();
  let repeated = 0;
  const add = (line: string): void => {
    lines.push(line);
    if (distinct.has(line)) repeated += 1;
    else distinct.add(line);
  };
  const lineOf = (cab: number, second: number): string => {
    const lat = 43.73 + cab / 1_000 + (second % 600) / 100_000;
    const occupied = Math.floor(second / 60) % 2;
    return `cab${cab},${FIRST_TS + second},${lat.toFixed(5)},${(7.41 + second / 50_000).toFixed(5)},${occupied}`;
  };
  for (let second = 0; second < size.seconds; second += 1) {
    for (let cab = 0; cab < size.cabs; cab += 1) {
      add(lineOf(cab, second));
      if ((second + cab) % 7 === 0) add(lineOf(cab, second));
      if (second > 20 && (second + cab) % 11 === 0) add(lineOf(cab, second - 10));
    }
    if (second % 25 === 0) lines.push(BROKEN_LINES[(second / 25) % BROKEN_LINES.length] ?? '');
  }
  const folder = await mkdtemp(join(tmpdir(), 'hail-trace-'));
  const file = join(folder, 'trace.csv.gz');
  await writeFile(file, gzipSync(`${lines.join('\n')}\n`));
  return {
    file,
    cabs: size.cabs,
    distinct: distinct.size,
    repeated,
    brokenLines: Math.ceil(size.seconds / 25),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
