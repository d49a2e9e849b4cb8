import { parseArgs } from 'node:util';
import { firstSentence } from '../first-sentence.js';
import { formatCity } from './city-file.js';
import { OsmError, OsmToCity, type OsmOmissions } from './osm-to-city.js';
import { FileError, readText } from '../files/read-text.js';
import { buildRoadGraph, type RoadGraph } from '../roads/road-graph.js';

const USAGE = 'usage: make-city EXTRACT.osm[.gz] --name NAME > CITY.geojson';

/** How often a line says how far it is. */
const PROGRESS_EVERY_MS = 5_000;

/**
 * Makes a city file of an extract on the command line: the file on stdout, what is not in it on stderr.
 *
 * @throws {OsmError} when the arguments or the extract are wrong
 * @throws {FileError} when the extract can't be read
 */
export async function runMakeCity(args: readonly string[]): Promise<void> {
  const { path, name } = argsOf(args);
  const converter = new OsmToCity();
  let saidAt = performance.now();
  try {
    for await (const text of readText(path, (warning) => say(`warning: ${path}: ${warning}`))) {
      converter.push(text);
      if (performance.now() - saidAt < PROGRESS_EVERY_MS) continue;
      saidAt = performance.now();
      say(`${converter.progress.nodes} nodes and ${converter.progress.roads} roads read`);
    }
    const city = converter.end({ name });
    const graph = buildRoadGraph(city);
    process.stdout.write(formatCity(city));
    say(city.features.length === 1 ? '1 road' : `${city.features.length} roads`);
    for (const line of omittedLines(converter.omissions)) say(line);
    for (const line of graphLines(graph)) say(line);
  } catch (error) {
    if (error instanceof OsmError) throw new OsmError(`${path}: ${error.message}`, { cause: error });
    if (error instanceof FileError) throw new FileError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function argsOf(args: readonly string[]): { path: string; name: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { name: { type: 'string' } },
    });
    const [path, ...others] = positionals;
    if (path !== undefined && others.length === 0 && values.name) return { path, name: values.name };
  } catch (error) {
    const reason = firstSentence(error);
    throw new OsmError(`${reason}; ${USAGE}`, { cause: error });
  }
  throw new OsmError(`expected one extract and a name; ${USAGE}`);
}

function omittedLines({ closed, reversible, deleted, clipped, outside }: OsmOmissions): string[] {
  const counts: readonly (readonly [number, string])[] = [
    [closed, 'roads that are closed to the public were left out'],
    [reversible, 'roads whose direction changes with the time were left out'],
    [deleted, 'nodes and ways that are marked as deleted were left out'],
    [clipped, 'roads were cut where nodes are not in the extract'],
    [outside, 'roads were left out because their nodes are not in the extract'],
  ];
  return counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
}

/** A city needs streets that lead from everywhere to everywhere; the rest of them is drawn only. */
function graphLines({ nodes, unreachable }: RoadGraph): string[] {
  if (nodes.length < 2)
    return ['warning: no two places can be reached from each other: nobody can drive in it'];
  if (unreachable === 0) return [];
  const all = nodes.length + unreachable;
  return [
    `${unreachable} of ${all} places cannot be reached from, or left to, the others: they are drawn, and nobody drives there`,
  ];
}

function say(line: string): void {
  process.stderr.write(`make-city: ${line}\n`);
}
