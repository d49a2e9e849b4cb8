import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import type { CityFile } from '@hailstream/events/city-file';
import { buildRoadGraph, type RoadGraph } from '@hailstream/roads';
import { firstSentence } from '../config.js';
import { readGeoJson } from './geojson.js';
import { OsmError } from './osm-elements.js';
import { isPbf, readPbf } from './osm-pbf.js';
import { OsmToCity, type OsmOmissions } from './osm-to-city.js';
import { OsmXml } from './osm-xml.js';
import { FileError } from '../files/gunzip.js';
import { firstBytes, readText } from '../files/read-text.js';

const USAGE = 'usage: make-city EXTRACT --name NAME > CITY.geojson';

const OSM_ATTRIBUTION = '© OpenStreetMap contributors';

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
    const attribution = await readExtract(path, converter, () => {
      if (performance.now() - printedAt < PROGRESS_EVERY_MS) return;
      printedAt = performance.now();
      print(`${converter.progress.nodes} nodes and ${converter.progress.roads} roads read`);
    });
    const city = converter.end({ name, attribution });
    const graph = buildRoadGraph(city);
    process.stdout.write(formatCity(city));
    print(city.features.length === 1 ? '1 road' : `${city.features.length} roads`);
    if (city.version === 2) {
      print(`${city.areas?.length ?? 0} areas and ${city.places?.length ?? 0} places for the map`);
    }
    for (const line of omittedLines(converter.omissions)) print(line);
    for (const line of graphLines(graph)) print(line);
  } catch (error) {
    if (error instanceof OsmError) throw new OsmError(`${path}: ${error.message}`, { cause: error });
    if (error instanceof FileError) throw new FileError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

/**
 * Reads an extract in XML or PBF, or GeoJSON, as its first bytes tell. `onProgress` is called after each piece. Returns the
 * attribution of the data.
 */
async function readExtract(path: string, converter: OsmToCity, onProgress: () => void): Promise<string> {
  if (isPbf(await firstBytes(path))) {
    await readPbf(withProgress(createReadStream(path), onProgress), converter);
    return OSM_ATTRIBUTION;
  }
  const xml = new OsmXml(converter);
  let json: string | undefined;
  let isStart = true;
  for await (const text of readText(path, (warning) => print(`warning: ${path}: ${warning}`))) {
    if (isStart && /^\uFEFF?\s*\{/.test(text)) json = '';
    isStart = false;
    if (json === undefined) xml.push(text);
    else json += text;
    onProgress();
  }
  if (json !== undefined) return readGeoJson(json, converter) ?? basename(path);
  xml.end();
  return OSM_ATTRIBUTION;
}

async function* withProgress(
  chunks: AsyncIterable<Uint8Array>,
  onProgress: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    onProgress();
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

/** Formats a city as JSON with one feature per line. */
function formatCity(city: CityFile): string {
  const { features, areas, places, ...about } = city;
  const lists = { ...(areas && { areas }), ...(places && { places }), features };
  const parts = Object.entries(lists).map(
    ([name, list]) => `"${name}":[\n${list.map((feature) => JSON.stringify(feature)).join(',\n')}\n]`,
  );
  return `${JSON.stringify(about).slice(0, -1)},${parts.join(',\n')}}\n`;
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
