import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { eventually, System, temporaryHome } from './_system.js';

interface City {
  readonly name: string;
  readonly roads: { readonly features: readonly { readonly properties: object }[] };
}

/** A street from west to east in both directions, as an extract and as GeoJSON. */
const streets = {
  extract: gzipSync(
    `<osm>${[0, 1, 2].map((id) => `<node id="${id}" lat="10" lon="${20 + id / 100}"/>`).join('')}` +
      '<way id="1"><nd ref="0"/><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="name" v="High Street"/></way></osm>',
  ),
  geoJson: JSON.stringify({
    type: 'FeatureCollection',
    features: [
      {
        type: 'Feature',
        properties: {},
        geometry: {
          type: 'LineString',
          coordinates: [
            [30, -10],
            [30.01, -10],
            [30.02, -10.01],
          ],
        },
      },
    ],
  }),
};

describe('npm start --city', () => {
  it('simulates and shows several cities, from an extract and from GeoJSON', async () => {
    await using home = await temporaryHome();
    const folder = await mkdtemp(join(tmpdir(), 'hail-cities-'));
    try {
      const [north, south] = [join(folder, 'north.osm.gz'), join(folder, 'south, streets.geojson')];
      await writeFile(north, streets.extract);
      await writeFile(south, streets.geoJson);
      const args = ['--vehicles', '10', '--city', north, '--city', south];
      await using system = await System.start(home.folder, { args });
      const token = await system.token('read');
      const city = await system.ask<City>('/city', token);
      expect(city.name).toBe('north, south, streets');
      expect(city.roads.features.map(({ properties }) => properties)).toEqual([
        { highway: 'primary', name: 'High Street' },
        { highway: 'road' },
      ]);
      await eventually('vehicles drive in both cities', async () => {
        const { vehicles } = await system.ask<{ vehicles: { location: { lat: number } }[] }>(
          '/vehicles',
          token,
        );
        const northern = vehicles.filter(({ location }) => location.lat > 0).length;
        return vehicles.length === 10 && northern === 5;
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('reports in one line that a file cannot be converted', async () => {
    await using home = await temporaryHome();
    const folder = await mkdtemp(join(tmpdir(), 'hail-cities-'));
    try {
      const file = join(folder, 'none.osm');
      await writeFile(file, '<osm></osm>');
      const { code, stderr } = await System.launch(home.folder, { args: ['--city', file] }).launcher.result;
      expect(code).toBe(1);
      expect(stderr.trimEnd()).toBe(`--city: ${file}: the file has no road for cars`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
