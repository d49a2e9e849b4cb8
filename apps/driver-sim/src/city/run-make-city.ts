import { parseArgs } from 'node:util';
import type { CityFile } from '@hailstream/events/city-file';
import { firstSentence } from '../config.js';
import { OsmError, OsmToCity, type OsmOmissions } from './osm-to-city.js';
import { FileError } from '../files/gunzip.js';
import { readText } from '../files/read-text.js';
import { buildRoadGraph, type RoadGraph } from '../roads/road-graph.js';

const USAGE = 'usage: make-city EXTRACT.osm[.gz] --name NAME > CITY.geojson';

/** Interval of progress lines. */
const PROGRESS_EVERY_MS = 5_000;

/**
 * Converts an extract to a city file on stdout, and reports on stderr what was omitted.
 *
 * @throws OsmError if the arguments or the extract are invalid
 * @throws FileError if the extract cannot be read
 */
export async function runMakeCity(args: readonly string[]): Promise<void> {
  const { path, name } = argsOf(args);
  const converter = new OsmToCity();
  let printedAt = performance.now();
  try {
    for await (const text of readText(path, (warning) => print(`warning: ${path}: ${warning}`))) {
      converter.push(text);
      if (performance.now() - printedAt < PROGRESS_EVERY_MS) continue;
      printedAt = performance.now();
      print(`${converter.progress.nodes} nodes and ${converter.progress.roads} roads read`);
    }
    const city = converter.end({ name });
    const graph = buildRoadGraph(city);
    process.stdout.write(formatCity(city));
    print(city.features.length === 1 ? '1 road' : `${city.features.length} roads`);
    for (const line of omittedLines(converter.omissions)) print(line);
    for (const line of graphLines(graph)) print(line);
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
  throw new OsmError(`expected one extract and --name; ${USAGE}`);
}

/** Formats a city as JSON with one road per line. */
function formatCity(city: CityFile): string {
  const { features, ...about } = city;
  const head = JSON.stringify(about).slice(0, -1);
  return `${head},"features":[\n${features.map((road) => JSON.stringify(road)).join(',\n')}\n]}\n`;
}

function omittedLines({ closed, reversible, deleted, clipped, outside }: OsmOmissions): string[] {
  const counts: readonly (readonly [number, string])[] = [
    [closed, 'roads that are closed to the public were omitted'],
    [reversible, 'roads with a time-dependent direction were omitted'],
    [deleted, 'nodes and ways that are marked as deleted were omitted'],
    [clipped, 'roads were split at nodes that are not in the extract'],
    [outside, 'roads were omitted because their nodes are not in the extract'],
  ];
  return counts.filter(([count]) => count > 0).map(([count, words]) => `${count} ${words}`);
}

/** The simulator uses only the largest strongly connected part of the network. */
function graphLines({ nodes, unreachable }: RoadGraph): string[] {
  if (nodes.length < 2)
    return ['warning: no two places are connected in both directions, so the simulator cannot use the city'];
  if (unreachable === 0) return [];
  const all = nodes.length + unreachable;
  return [
    `${unreachable} of ${all} places are not connected to the others in both directions; they are drawn, but not used by the simulator`,
  ];
}

function print(line: string): void {
  process.stderr.write(`make-city: ${line}\n`);
}
