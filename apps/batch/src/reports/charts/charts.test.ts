import { gridDisk, latLngToCell } from 'h3-js';
import { describe, expect, it } from 'vitest';
import { ticksTo } from './axis.js';
import { cellMap, mapShades } from './cell-map.js';
import { timeChart } from './time-chart.js';

const count = (value: number): string => String(value);

function pointsOf(svg: string): [number, number][][] {
  return [...svg.matchAll(/<polygon [^>]*points="([^"]+)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => point.split(',').map(Number) as [number, number]),
  );
}

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

describe(cellMap, () => {
  it('has north up and east right, and all corners within the drawing', () => {
    const cells = [
      { cell: latLngToCell(60, 10, 8), value: 1 },
      { cell: latLngToCell(60.1, 10, 8), value: 2 },
      { cell: latLngToCell(60, 10.1, 8), value: 3 },
    ];
    const svg = cellMap('Demand', cells, count);
    const [first, north, east] = pointsOf(svg);
    expect(north![0]![1]).toBeLessThan(first![0]![1]);
    expect(east![0]![0]).toBeGreaterThan(first![0]![0]);
    // At 60° a degree of longitude is half as long as one of latitude.
    const ratio = (first![0]![1] - north![0]![1]) / (east![0]![0] - first![0]![0]);
    expect(ratio).toBeGreaterThan(1.6);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
    for (const [x, y] of pointsOf(svg).flat()) {
      expect(x >= 0 && x <= width! && y >= 0 && y <= height!).toBe(true);
    }
  });

  it('is as small on both sides of the antimeridian', () => {
    const cells = ['179.99', '-179.99'].map((lng) => ({ cell: latLngToCell(-17, Number(lng), 8), value: 1 }));
    const xs = pointsOf(cellMap('Demand', cells, count)).map(([first]) => first![0]);
    expect(xs[1]).toBeGreaterThan(xs[0]!);
  });

  it('shades cells by their rank, and lists the ranges', () => {
    const cells = gridDisk(latLngToCell(43.7, 7.4, 8), 2)
      .slice(0, 12)
      .map((cell, index) => ({ cell, value: index === 0 ? null : index }));
    expect(cellMap('Demand', cells, count)).toContain('class="hidden"');
    const ranges = mapShades(cells, count);
    expect(ranges[0]).toEqual({ shade: 0, text: '1 – 2' });
    expect(ranges.at(-1)!.text).toMatch(/11$/);
  });
});
