import { describe, expect, it } from 'vitest';
import { hasTiles, loadMapStyle, parseMapStyle } from './map-style.js';

const style = {
  version: 8,
  sources: { tiles: { type: 'raster', tiles: ['https://tiles.example/{z}/{x}/{y}.png'], tileSize: 256 } },
  layers: [{ id: 'tiles', type: 'raster', source: 'tiles' }],
} as const;

const answering = (response: Response) => loadMapStyle('https://style.example/', async () => response);

describe('loadMapStyle', () => {
  it('returns the style', async () => {
    expect(await answering(Response.json(style))).toEqual({ style });
  });

  it('requests it with a time limit', async () => {
    const signals: unknown[] = [];
    await loadMapStyle('https://style.example/', async (_, { signal }) => {
      signals.push(signal);
      return Response.json(style);
    });
    expect(signals).toEqual([expect.any(AbortSignal)]);
  });

  it('has the reason if there is no response, or another one than the style', async () => {
    const offline = () => Promise.reject(new TypeError('Failed to fetch'));
    expect(await loadMapStyle('https://style.example/', offline)).toEqual({
      failure: { kind: 'unreachable' },
    });
    expect(await answering(new Response('gone', { status: 404 }))).toEqual({
      failure: { kind: 'status', status: 404 },
    });
    expect(await answering(new Response('<html>'))).toEqual({
      failure: { kind: 'invalid', reason: 'it is not JSON' },
    });
  });
});

describe('parseMapStyle', () => {
  it.each([
    ['null', 'version: 8 expected'],
    ['{"version":7}', 'version: 8 expected'],
    ['{"version":8}', 'sources: object expected'],
    ['{"version":8,"sources":null}', 'sources: object expected'],
    ['{"version":8,"sources":{},"layers":{}}', 'layers: array expected'],
  ])('rejects %s', (text, reason) => {
    expect(parseMapStyle(text)).toEqual({ failure: { kind: 'invalid', reason } });
  });
});

describe('hasTiles', () => {
  it('is whether a source has tiles', () => {
    expect(hasTiles({ sources: { tiles: { type: 'vector', url: 'https://tiles.example/' } } })).toBe(true);
    expect(hasTiles({ sources: { one: { type: 'geojson', data: 'https://data.example/' } } })).toBe(false);
  });
});
