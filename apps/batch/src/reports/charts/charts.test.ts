import { describe, expect, it } from 'vitest';
import { areaMap } from './area-map.js';
import { ticksTo } from './axis.js';
import { timeChart } from './time-chart.js';

const count = (value: number): string => String(value);

describe(ticksTo, () => {
  it.each([
    [0, [0, 1]],
    [4, [0, 1, 2, 3, 4]],
    [97, [0, 50, 100]],
    [1, [0, 0.5, 1]],
    [0.3, [0, 0.1, 0.2, 0.3]],
  ])('%d: %j', (largest, expected) => {
    expect(ticksTo(largest)).toEqual(expected);
  });
});

describe(timeChart, () => {
  it('draws bars in proportion, and marks suppressed values', () => {
    const svg = timeChart({
      label: 'Requests',
      labels: ['a', 'b', 'c', 'd'],
      series: [
        {
          name: 'Requests',
          kind: 'bars',
          style: 'first',
          values: [10, null, 0, 5],
          suppressed: new Set([1]),
        },
      ],
      format: count,
    });
    const heights = [...svg.matchAll(/class="first"[^>]*height="([\d.]+)"/g)].map(([, height]) =>
      Number(height),
    );
    expect(heights[0]! / heights[1]!).toBeCloseTo(2, 1);
    expect(svg).toContain('<title>b: suppressed</title>');
    expect(svg.match(/<rect/g)).toHaveLength(3);
  });

  it('interrupts lines at unknown values', () => {
    const svg = timeChart({
      label: 'Waits',
      labels: ['a', 'b', 'c', 'd'],
      series: [{ name: 'Median', kind: 'line', style: 'first', values: [1, 2, null, 3] }],
      format: count,
    });
    expect(svg.match(/<polyline/g)).toHaveLength(1);
    expect(svg.match(/<circle/g)).toHaveLength(1);
  });
});

describe(areaMap, () => {
  const square = [7.4, 43.7, 7.44, 43.7, 7.44, 43.73, 7.4, 43.73, 7.4, 43.7];
  const sliver = [7.45, 43.7, 7.451, 43.7, 7.451, 43.701, 7.45, 43.7];
  const draw = (name: string, rings: readonly (readonly number[])[]) =>
    areaMap({
      label: 'Demand',
      width: 400,
      areas: [{ rings, className: 'shade-1', title: 'a: 3', name, value: '3' }],
      extent: [square, sliver],
    });

  it('draws areas with their class and title, and a scale', () => {
    const svg = draw('Port', [square]);
    expect(svg).toMatch(/<path class="area shade-1" d="M[^"]+Z"><title>a: 3<\/title>/);
    expect(svg).toMatch(/>\d+ (km|m)<\/text><\/svg>$/);
  });

  it('writes a name in lines that fit, and none in an area that is too small', () => {
    expect(draw('Port', [square]).match(/<tspan/g)).toHaveLength(2);
    expect(
      draw('A rather long name of a zone in a city of the world', [square]).match(/<tspan/g),
    ).toHaveLength(3);
    expect(draw('Port', [sliver])).not.toContain('<tspan');
  });
});
