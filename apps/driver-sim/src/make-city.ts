import { parseArgs } from 'node:util';
import { formatCity } from './city/city-file.js';
import { OsmError, OsmToCity } from './city/osm-to-city.js';
import { FileError, readText } from './files/read-text.js';

const USAGE = 'usage: make-city EXTRACT.osm[.gz] --name NAME > CITY.geojson';
const warn = (warning: string): void => void process.stderr.write(`make-city: warning: ${warning}\n`);

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { name: { type: 'string' } },
  });
  const [path, ...others] = positionals;
  if (path === undefined || others.length > 0 || values.name === undefined) throw new OsmError(USAGE);
  const converter = new OsmToCity();
  for await (const text of readText(path, warn)) converter.push(text);
  process.stdout.write(formatCity(converter.end({ name: values.name })));
} catch (error) {
  const isExpected = error instanceof OsmError || error instanceof FileError || error instanceof TypeError;
  process.stderr.write(`make-city: ${isExpected ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
}
