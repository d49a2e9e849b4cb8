import { OsmError } from './city/osm-elements.js';
import { runMakeCity } from './city/run-make-city.js';
import { FileError } from './files/gunzip.js';

try {
  await runMakeCity(process.argv.slice(2));
} catch (error) {
  const isExpected = error instanceof OsmError || error instanceof FileError;
  process.stderr.write(`make-city: ${isExpected ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
}
