import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A recorded trace made up for a test, and what of it is to be found at the other end. */
export interface Trace extends AsyncDisposable {
  readonly file: string;
  readonly cabs: number;
  /** Fixes that are not the same as any other: so many events there must be, and so many rows. */
  readonly distinct: number;
  /** Lines that say again what an earlier line said. */
  readonly repeated: number;
  readonly brokenLines: number;
}

const BROKEN_LINES = ['cab0,yesterday,43.7,7.4,0', 'cab0,1700000000,143.7,7.4,0', 'cab0,1700000000', '"cab0'];
const FIRST_TS = 1_700_000_000;

/**
 * Cabs that report every second. Some lines come twice in a row, as a receiver repeats itself; some come again much
 * later, as a device sends again what it believes lost; some are broken.
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
