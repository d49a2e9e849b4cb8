import { describe, expect, it } from 'vitest';
import { OsmError, OsmToCity } from './osm-to-city.js';

const nodes = `<node id="1" lat="43.12345678" lon="7.1"/><node id="2" lat="43.2" lon="7.3"><tag k="highway" v="crossing"/></node>`;

function way(tags: Record<string, string>, ...refs: number[]): string {
  const nds = (refs.length > 0 ? refs : [1, 2]).map((ref) => `<nd ref="${ref}"/>`);
  const pairs = Object.entries(tags).map(([key, value]) => `<tag k="${key}" v="${value}" />`);
  return `<way id="9">${nds.join('')}${pairs.join('')}</way>`;
}

function convert(content: string, cutAt = content.length) {
  const text = `<?xml version='1.0' encoding='UTF-8'?>\n<osm version="0.6">${content}</osm>`;
  const converter = new OsmToCity();
  converter.push(text.slice(0, cutAt));
  converter.push(text.slice(cutAt));
  return converter.end({ name: 'Test' });
}

describe(OsmToCity, () => {
  it('makes a road of a way, however the text is cut', () => {
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

  it('keeps public roads that cars drive on', () => {
    const kept = [{ highway: 'secondary_link' }, { highway: 'service', access: 'destination' }];
    const left = [
      { highway: 'footway' },
      { highway: 'steps' },
      { highway: 'service', access: 'private' },
      { highway: 'residential', motor_vehicle: 'no' },
      { railway: 'rail' },
    ];
    const city = convert(nodes + [...kept, ...left].map((tags) => way(tags)).join(''));
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
    ['a way that names a node which is not there', nodes + way({ highway: 'primary' }, 1, 7), 'names node 7'],
    ['an extract without a road', nodes, 'no road'],
    ['what is not well-formed', `${nodes}<way>`, 'unexpected close tag'],
  ])('refuses %s', (_what, content, reason) => {
    expect(() => convert(content)).toThrow(OsmError);
    expect(() => convert(content)).toThrow(reason);
  });
});
