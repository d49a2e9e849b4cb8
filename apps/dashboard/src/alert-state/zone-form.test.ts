import { describe, expect, it } from 'vitest';
import { featureOf, formatCorners, parseCorners, zoneIdOf } from './zone-form.js';

describe('zoneIdOf', () => {
  it.each([
    ['Old town', 'old-town'],
    ['  Gare – Été 2 ', 'gare-ete-2'],
    ['역', ''],
    ['a'.repeat(90), 'a'.repeat(63)],
  ])('of "%s" is "%s"', (name, id) => {
    expect(zoneIdOf(name)).toBe(id);
  });
});

describe('parseCorners', () => {
  it('reads a corner per line, and what formatCorners has written', () => {
    const corners = [
      [7.4, 43.7],
      [7.5, 43.7],
    ] as const;
    expect(parseCorners('43.7, 7.4\n\n 43.7 7.5 ')).toEqual({ corners });
    expect(parseCorners(formatCorners(corners))).toEqual({ corners });
  });

  it.each(['43.7', '91, 7', '43.7, 181', 'a, b', '1, 2, 3'])('rejects "%s"', (line) => {
    expect(parseCorners(`43.7, 7.4\n${line}`)).toMatchObject({
      problem: expect.stringContaining(`"${line}"`) as string,
    });
  });
});

describe('featureOf', () => {
  it('closes the ring', () => {
    const corners = [
      [7.4, 43.7],
      [7.5, 43.7],
      [7.5, 43.8],
    ] as const;
    expect(featureOf('Old town', corners)).toEqual({
      type: 'Feature',
      id: 'old-town',
      properties: { name: 'Old town' },
      geometry: { type: 'Polygon', coordinates: [[...corners, corners[0]]] },
    });
  });
});
