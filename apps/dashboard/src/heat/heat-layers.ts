import type { Layer } from '@deck.gl/core';
import { PolygonLayer } from '@deck.gl/layers';
import type { DemandCell, DemandMap } from '@hailstream/events/live';
import type { Theme } from '../theme/theme.js';
import type { HeatChoice } from '../address/choices.js';
import { heatClasses, heatClassOf } from './heat-classes.js';

/** Opacity out of 255: roads and names stay legible. */
const FILL_ALPHA = 118;
const LINE_ALPHA = 200;

type Rgba = [number, number, number, number];

/** The cells of a map of demand, below the marks. */
export function heatLayers(
  { cells, resolution }: DemandMap,
  look: { readonly choice: Exclude<HeatChoice, 'none'>; readonly theme: Theme },
): Layer[] {
  const { choice, theme } = look;
  const colors = heatClasses(choice).map(({ color }) => channels(color[theme]));
  const shown = cells.filter((cell) => heatClassOf(choice, cell) !== null);
  const colorOf = (cell: DemandCell, alpha: number): Rgba => [
    ...colors[heatClassOf(choice, cell) ?? 0]!,
    alpha,
  ];
  return [
    new PolygonLayer<DemandCell>({
      id: `heat-${choice}-${theme}-${resolution}`,
      data: shown,
      getPolygon: ([, , , , , corners]) => ringOf(corners),
      positionFormat: 'XY',
      getFillColor: (cell) => colorOf(cell, FILL_ALPHA),
      getLineColor: (cell) => colorOf(cell, LINE_ALPHA),
      lineWidthUnits: 'pixels',
      getLineWidth: 1,
      stroked: true,
    }),
  ];
}

/** Pairs of latitude and longitude as longitude and latitude; a ring that crosses the antimeridian stays in one piece. */
function ringOf(corners: readonly number[]): [number, number][] {
  const first = corners[1] ?? 0;
  return Array.from({ length: corners.length / 2 }, (_, at) => {
    const lng = corners[2 * at + 1]!;
    return [lng + Math.round((first - lng) / 360) * 360, corners[2 * at]!];
  });
}

function channels(color: string): [number, number, number] {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  return [red, green, blue];
}
