import { describe, expect, it } from 'vitest';
import { encodePolyline } from './encode-polyline.js';

describe(encodePolyline, () => {
  it('encodes the example of the format', () => {
    const way = [
      { lat: 38.5, lng: -120.2 },
      { lat: 40.7, lng: -120.95 },
      { lat: 43.252, lng: -126.453 },
    ];
    expect(encodePolyline(way)).toBe('_p~iF~ps|U_ulLnnqC_mqNvxq`@');
  });

  it('omits points within five metres of the line, and keeps others', () => {
    // A degree of longitude has 111 km at the equator.
    const straight = Array.from({ length: 50 }, (_, index) => ({
      lat: (index % 2) * 4e-5,
      lng: index * 1e-3,
    }));
    expect(encodePolyline(straight)).toBe(encodePolyline([straight[0]!, straight.at(-1)!]));
    const turned = [...straight, { lat: 1, lng: 0.049 }];
    expect(encodePolyline(turned)).toBe(encodePolyline([straight[0]!, straight.at(-1)!, turned.at(-1)!]));
    const spike = straight.with(25, { lat: 7e-5, lng: 25e-3 });
    expect(encodePolyline(spike).length).toBeGreaterThan(encodePolyline(straight).length);
  });

  it('has no line without points', () => {
    expect(encodePolyline([])).toBe('');
  });

  it('keeps a way that returns to its start', () => {
    const loop = [
      { lat: 0, lng: 0 },
      { lat: 0.01, lng: 0.01 },
      { lat: 0, lng: 0 },
    ];
    expect(encodePolyline(loop)).toBe('??o}@o}@n}@n}@');
  });
});
