import { describe, expect, it } from 'vitest';
import { speedLimit } from './speed-limit.js';

describe(speedLimit, () => {
  it.each([
    ['primary', '70', 70],
    ['primary', '30 mph', 48.28],
    ['primary', '50 km/h', 50],
    ['primary', 'FR:urban', 50],
    ['residential', undefined, 35],
    ['secondary_link', undefined, 48],
    ['unheard_of', undefined, 35],
    ['motorway', '900', 130],
    ['service', '0', 5],
  ])('of %s with maxspeed %s is %d km/h', (highway, maxspeed, kmh) => {
    expect(speedLimit({ highway, ...(maxspeed !== undefined && { maxspeed }) }) * 3.6).toBeCloseTo(kmh, 1);
  });
});
