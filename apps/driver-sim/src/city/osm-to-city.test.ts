import { buildRoadGraph, Router } from '@hailstream/roads';
import { describe, expect, it } from 'vitest';
import { OsmError } from './osm-elements.js';
import { OsmToCity } from './osm-to-city.js';
import { OsmXml } from './osm-xml.js';

const nodes = `<node id="1" lat="43.12345678" lon="7.1"/><node id="2" lat="43.2" lon="7.3"><tag k="highway" v="crossing"/></node>`;

function way(tags: Record<string, string>, ...refs: number[]): string {
  const nds = (refs.length > 0 ? refs : [1, 2]).map((ref) => `<nd ref="${ref}"/>`);
  const pairs = Object.entries(tags).map(([key, value]) => `<tag k="${key}" v="${value}" />`);
  return `<way id="9">${nds.join('')}${pairs.join('')}</way>`;
}

function convert(content: string, cutAt?: number) {
  return convertAll(content, cutAt).city;
}

function convertAll(content: string, cutAt = content.length) {
  const text = `<?xml version='1.0' encoding='UTF-8'?>\n<osm version="0.6">${content}</osm>`;
  const converter = new OsmToCity();
  const xml = new OsmXml(converter);
  xml.push(text.slice(0, cutAt));
  xml.push(text.slice(cutAt));
  xml.end();
  return {
    city: converter.end({ name: 'Test', attribution: '© OpenStreetMap contributors' }),
    omissions: converter.omissions,
  };
}

describe(OsmToCity, () => {
  it('converts a way to a road, however the text is split', () => {
    const tags = { highway: 'primary', name: 'Boulevard d&#39;Italie', maxspeed: '50', surface: 'asphalt' };
    for (const cutAt of [1, 100, 150, 200]) {
      expect(convert(nodes + way(tags), cutAt)).toEqual({
        type: 'FeatureCollection',
        name: 'Test',
        bbox: [7.1, 43.123457, 7.3, 43.2],
        attribution: '© OpenStreetMap contributors',
        features: [
          {
            type: 'Feature',
            properties: { highway: 'primary', name: "Boulevard d'Italie", maxspeed: '50' },
            geometry: {
              type: 'LineString',
              coordinates: [
                [7.1, 43.123457],
                [7.3, 43.2],
              ],
            },
          },
        ],
      });
    }
  });

  it('includes public roads for cars', () => {
    const includedWays = [{ highway: 'secondary_link' }, { highway: 'service', access: 'destination' }];
    const left = [
      { highway: 'footway' },
      { highway: 'steps' },
      { highway: 'service', access: 'private' },
      { highway: 'residential', motor_vehicle: 'no' },
      { railway: 'rail' },
    ];
    const city = convert(nodes + [...includedWays, ...left].map((tags) => way(tags)).join(''));
    expect(city.features.map(({ properties }) => properties.highway)).toEqual(['secondary_link', 'service']);
  });

  it.each([
    [{ oneway: 'yes' }, 'yes'],
    [{ oneway: '1' }, 'yes'],
    [{ oneway: '-1' }, '-1'],
    [{ oneway: 'no' }, undefined],
    [{ junction: 'roundabout' }, 'yes'],
    [{ junction: 'roundabout', oneway: 'no' }, undefined],
    [{ highway: 'motorway' }, 'yes'],
    [{}, undefined],
  ])('reads the direction of %j as %s', (tags, oneway) => {
    const city = convert(nodes + way({ highway: 'primary', ...tags }));
    expect(city.features[0]?.properties.oneway).toBe(oneway);
  });

  it.each([
    ['an extract without a road', nodes, 'no road'],
    ['XML that is not well-formed', `${nodes}<way>`, 'unexpected close tag'],
    ['roads without any nodes in the extract', way({ highway: 'primary' }, 7, 8), 'no road'],
  ])('refuses %s', (_what, content, reason) => {
    expect(() => convert(content)).toThrow(OsmError);
    expect(() => convert(content)).toThrow(reason);
  });

  it('accepts ways before their nodes', () => {
    expect(convert(way({ highway: 'primary' }) + nodes)).toEqual(
      convert(nodes + way({ highway: 'primary' })),
    );
  });

  it('splits ways at nodes that are missing or have no coordinates, and counts them', () => {
    const clipped = `${line(1, 2, 3, 4, 5, 6)}<node id="7"/><node id="8" lat="91" lon="0"/><node id="9" lat="x" lon="0"/>`;
    const { city, omissions } = convertAll(
      clipped +
        way({ highway: 'primary', oneway: 'yes' }, 1, 2, 99, 3, 4, 5, 7, 6) +
        way({ highway: 'primary' }, 99, 98, 1) +
        way({ highway: 'primary' }, 8, 1, 2, 9) +
        way({ highway: 'footway' }, 1, 99),
    );
    const lats = city.features.map(({ geometry }) => geometry.coordinates.map(([, lat]) => lat));
    expect(lats).toEqual([
      [1, 2],
      [3, 4, 5],
      [1, 2],
    ]);
    expect(city.features.map(({ properties }) => properties.oneway)).toEqual(['yes', 'yes', undefined]);
    expect(omissions).toMatchObject({ clipped: 2, outside: 1 });
  });

  it('omits deleted elements and counts them', () => {
    const primary = { highway: 'primary' };
    const deletedWay = way(primary, 1, 2).replace('<way', '<way action="delete"');
    const invisibleWay = way(primary, 1, 2).replace('<way', '<way visible="false"');
    const modified = way(primary, 2, 3).replace('<way', '<way action="modify" visible="true"');
    const { city, omissions } = convertAll(
      `${line(1, 2, 3)}<node id="2" action="delete" lat="2" lon="7"/><node id="4" visible="false"/>` +
        `${line(5, 6)}${deletedWay}${invisibleWay}${modified}${way(primary, 1, 2, 4, 5, 6)}`,
    );
    expect(city.features.map(({ geometry }) => geometry.coordinates)).toEqual([
      [
        [7, 5],
        [7, 6],
      ],
    ]);
    expect(omissions).toMatchObject({ deleted: 4, clipped: 1, outside: 1 });
  });

  it('counts closed and reversible roads', () => {
    const { omissions } = convertAll(
      nodes +
        way({ highway: 'primary' }) +
        way({ highway: 'primary', vehicle: 'no' }) +
        way({ highway: 'primary', oneway: 'reversible' }) +
        way({ highway: 'footway', access: 'no' }),
    );
    expect(omissions).toMatchObject({ closed: 1, reversible: 1 });
  });

  it('splits roads at the antimeridian, whose two sides are one place', () => {
    const across =
      '<node id="1" lat="-16.8" lon="179.99"/><node id="2" lat="-16.8" lon="-179.99"/><node id="3" lat="-16.9" lon="-179.99"/>';
    const city = convert(`${across}${way({ highway: 'primary' }, 1, 2, 3)}`);
    expect(city.bbox).toEqual([179.99, -16.9, -179.99, -16.8]);
    const graph = buildRoadGraph(city);
    expect(graph.nodes.length).toBe(4);
    const route = new Router(graph).route(0, 3);
    expect(route.meters).toBeCloseTo(2_132.0 + 11_066.8, 0);
    expect(route.edges.map(({ heading }) => Math.round(heading))).toEqual([90, 90, 180]);
  });
});

/** Nodes one degree north of each other, at latitudes that are their ids. */
function line(...ids: number[]): string {
  return ids.map((id) => `<node id="${id}" lat="${id}" lon="7"/>`).join('');
}
