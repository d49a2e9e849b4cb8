import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CityFileError, readCityFile } from '@hailstream/events/city-file';
import { UsageError } from '@hailstream/service/command-line';
import type { Home } from '../home/home.js';
import { programFile } from '../repository.js';
import { commonEnvironment } from '../processes/child-environment.js';

/**
 * Returns the city files of `--city`. Extracts of OpenStreetMap and other GeoJSON are converted into the home folder, at every
 * start, because they may have changed.
 *
 * @throws UsageError if a file cannot be converted
 */
export async function cityFiles(
  cities: readonly string[],
  { home, env, notice }: { home: Home; env: NodeJS.ProcessEnv; notice: (line: string) => void },
): Promise<string[]> {
  const files: string[] = [];
  for (const [index, city] of cities.entries()) {
    if (isCityFile(city)) {
      files.push(city);
      continue;
    }
    notice(`Converting ${city}`);
    const name = basename(city).replace(/(\.(gz|osm|pbf|xml|json|geojson))+$/i, '');
    // CITY_FILE separates paths by commas.
    const file = join(home.citiesFolder, `${index}-${name.replaceAll(',', '_')}.geojson`);
    await mkdir(home.citiesFolder, { recursive: true });
    await convert(city, { name: name === '' ? 'City' : name, file, env });
    files.push(file);
  }
  return files;
}

/** Whether it can be used as it is. */
function isCityFile(path: string): boolean {
  if (path.includes(',') || !/\.(geo)?json$/i.test(path)) return false;
  try {
    readCityFile(path);
    return true;
  } catch (error) {
    if (error instanceof CityFileError) return false;
    throw error;
  }
}

async function convert(
  city: string,
  { name, file, env }: { name: string; file: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  await using output = await open(file, 'w');
  const script = programFile('apps/driver-sim/dist/make-city.js');
  const child = spawn(process.execPath, ['--enable-source-maps', script, city, '--name', name], {
    env: commonEnvironment(env),
    stdio: ['ignore', output.fd, 'pipe'],
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  const last = errors.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0) throw new UsageError(`--city: ${last.replace(/^make-city: /, '')}`);
}
