import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readCityFile } from '@hailstream/events/city-file';
import { buildRoadGraph } from '@hailstream/roads';
import { runMakeCity } from '../src/city/run-make-city.js';

let folder: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'make-city-'));
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const road = (refs: string, tags = ''): string =>
  `<way>${refs.replace(/\d+/g, '<nd ref="$&"/>')}<tag k="highway" v="residential"/>${tags}</way>`;
const oneway = '<tag k="oneway" v="yes"/>';
const nodes = [1, 2, 3, 4, 5, 6].map((id) => `<node id="${id}" lat="43.7${id}" lon="7.4"/>`).join('');

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function makeCity(content: string): Promise<void> {
  await runMakeCity([await file('extract.osm', `<osm>${content}</osm>`), '--name', 'Test']);
}

describe('make-city', () => {
  it('writes a city that the simulator can use, and reports what was omitted', async () => {
    await makeCity(
      `${road('1 2 3 99')}${road('3 4', oneway)}${road('5 6')}${road('1 6', '<tag k="access" v="no"/>')}${nodes}`,
    );
    const city = readCityFile(await file('city.geojson', stdout));
    expect(city).toMatchObject({ name: 'Test', bbox: [7.4, 43.71, 7.4, 43.76] });
    expect(buildRoadGraph(city)).toMatchObject({ nodes: { length: 3 }, unreachable: 3 });
    expect(stderr.split('\n')).toEqual([
      'make-city: 3 roads',
      'make-city: 1 roads that are closed to the public were omitted',
      'make-city: 1 roads were split at nodes that are not in the extract',
      'make-city: 3 of 6 places are not connected to the others in both directions; they are drawn, but not used by the simulator',
      '',
    ]);
  });

  it('adds what the map draws: sea, parks with holes, buildings and places', async () => {
    const at = (id: number, lng: number, lat: number, tags = '') =>
      `<node id="${id}" lat="${lat}" lon="${lng}">${tags}</node>`;
    const way = (id: number, refs: number[], tags: Record<string, string>) =>
      `<way id="${id}">${refs.map((ref) => `<nd ref="${ref}"/>`).join('')}${Object.entries(tags)
        .map(([k, v]) => `<tag k="${k}" v="${v}"/>`)
        .join('')}</way>`;
    const square = (first: number, lng: number, size: number) => [
      at(first, lng, 43.8),
      at(first + 1, lng + size, 43.8),
      at(first + 2, lng + size, 43.8 + size),
      at(first + 3, lng, 43.8 + size),
    ];
    const ring = (first: number) => [first, first + 1, first + 2, first + 3, first];
    await makeCity(
      [
        at(1, 7.4, 43.7),
        at(2, 7.5, 43.9, '<tag k="place" v="town"/><tag k="name" v="Monaco"/>'),
        way(1, [1, 2], { highway: 'residential' }),
        ...square(10, 7.41, 0.02),
        ...square(20, 7.415, 0.001),
        ...square(30, 7.45, 0.001),
        way(2, ring(10), {}),
        way(3, ring(20), {}),
        way(4, ring(30), { building: 'yes', name: 'Casino' }),
        '<relation id="1"><member type="way" ref="2" role="outer"/><member type="way" ref="3" role="inner"/>',
        '<tag k="type" v="multipolygon"/><tag k="leisure" v="park"/><tag k="name" v="Park"/></relation>',
        // Land is on the left: the sea is in the south.
        at(40, 7.3, 43.65),
        at(41, 7.6, 43.65),
        way(5, [40, 41], { natural: 'coastline' }),
      ].join(''),
    );
    const city = readCityFile(await file('city.geojson', stdout));
    expect(city.version).toBe(2);
    expect(city.places?.map(({ properties }) => properties)).toEqual([
      { kind: 'place', place: 'town', name: 'Monaco' },
    ]);
    expect(city.areas?.map(({ properties }) => properties)).toEqual([
      { kind: 'water' },
      { kind: 'building' },
      { kind: 'park', name: 'Park' },
    ]);
    expect(city.areas?.map(({ geometry }) => geometry.coordinates.length)).toEqual([1, 1, 2]);
    const lats = city.areas![0]!.geometry.coordinates[0]!.map(([, lat]) => lat);
    expect(Math.max(...lats)).toBe(43.65);
    expect(stderr).toContain('make-city: 3 areas and 1 places for the map\n');
  });

  it('converts GeoJSON: lines are roads, of unknown class without highway, and keep their names', async () => {
    const line = (properties: object, ...coordinates: number[][]) => ({
      type: 'Feature',
      properties,
      geometry: { type: 'LineString', coordinates },
    });
    const content = JSON.stringify({
      type: 'FeatureCollection',
      features: [
        line({ highway: 'primary', name: 'Main', oneway: 1 }, [7.4, 43.7], [7.41, 43.7]),
        line({}, [7.41, 43.7], [7.42, 43.71]),
        line({}, [7.5, 43.7]),
        line({ railway: 'rail' }, [7.4, 43.7], [7.41, 43.7]),
        { type: 'Feature', properties: null, geometry: null },
      ],
    });
    await runMakeCity([await file('streets.geojson', content), '--name', 'Test']);
    const city = readCityFile(await file('city.geojson', stdout));
    expect(city).toMatchObject({ attribution: 'streets.geojson', bbox: [7.4, 43.7, 7.42, 43.71] });
    expect(city.features.map(({ properties }) => properties)).toEqual([
      { highway: 'primary', name: 'Main', oneway: 'yes' },
      { highway: 'road' },
    ]);
  });

  it('warns if the simulator cannot use the city', async () => {
    await makeCity(nodes + road('1 2', oneway));
    expect(stderr).toContain('make-city: warning: no two places are connected in both directions');
  });

  it.each([
    [[], /^expected one extract and --name; usage: make-city [^\n]+$/],
    [['a.osm'], /^expected one extract and --name; usage: [^\n]+$/],
    [['a.osm', 'b.osm', '--name', 'A'], /^expected one extract and --name; usage: [^\n]+$/],
    [['a.osm', '--nam', 'A'], /^Unknown option '--nam'; usage: [^\n]+$/],
    [['a.osm', '--name', '--nam'], /^Option '--name' argument is ambiguous; usage: [^\n]+$/],
    [['/nowhere/a.osm', '--name', 'A'], /^\/nowhere\/a\.osm: file not found$/],
  ])('rejects %j in one line', async (args, reason) => {
    await expect(runMakeCity(args)).rejects.toThrow(reason);
    expect(stdout).toBe('');
  });

  it.each([
    ['text', 'text that is not XML', /extract: [^\n]+$/],
    ['a truncated extract', `<osm>${nodes}<way>`, /extract: [^\n]*unclosed tag[^\n]*$/],
    [
      'a truncated gzip file',
      gzipSync(`<osm>${nodes}</osm>`).subarray(0, 40),
      /extract: the gzip data is truncated$/,
    ],
    ['an empty file', '', /extract: [^\n]+$/],
    ['JSON that is not GeoJSON', '{"a":1}', /extract: the JSON is not a FeatureCollection of GeoJSON$/],
    ['truncated JSON', '{"type":', /extract: the file is not JSON [^\n]+$/],
  ])('rejects %s in one line', async (_what, content, reason) => {
    await expect(runMakeCity([await file('extract', content), '--name', 'A'])).rejects.toThrow(reason);
    expect(stdout).toBe('');
  });
});
