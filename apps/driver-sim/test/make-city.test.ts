import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readCityFile } from '@hailstream/events/city-file';
import { runMakeCity } from '../src/city/run-make-city.js';
import { buildRoadGraph } from '../src/roads/road-graph.js';

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
  ])('rejects %s in one line', async (_what, content, reason) => {
    await expect(runMakeCity([await file('extract', content), '--name', 'A'])).rejects.toThrow(reason);
    expect(stdout).toBe('');
  });
});
