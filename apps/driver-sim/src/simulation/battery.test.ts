import { describe, expect, it } from 'vitest';
import { Battery } from './battery.js';

const idOf = (n: number) => `0195a0c4-7a10-7000-8000-${n.toString(16).padStart(12, '0')}`;

describe('Battery', () => {
  it('is in two of three cars, at any level', () => {
    const levels = Array.from({ length: 300 }, (_, n) => new Battery(idOf(n)).percent);
    const known = levels.filter((level) => level !== undefined);
    expect(known).toHaveLength(200);
    expect(Math.min(...known)).toBeGreaterThanOrEqual(8);
    expect(Math.max(...known)).toBeLessThanOrEqual(98);
    expect(new Set(known).size).toBeGreaterThan(20);
  });

  it('discharges with the distance, and charges with the time', () => {
    const battery = new Battery(idOf(1_000_000));
    const before = battery.percent!;
    battery.charge(4 * 3_600_000);
    expect(battery.percent).toBe(100);
    battery.drive(160_000);
    expect(battery.percent).toBe(50);
    battery.drive(1_000_000);
    expect(battery.percent).toBe(3);
    expect(before).toBeGreaterThan(3);
  });
});
