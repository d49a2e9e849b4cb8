import { type StateOnMap, statesOnMap } from '../city-state/drawn-state.js';
import type { Theme } from '../theme/theme.js';
import { MARK_BOX, type Outline, marks } from './marks.js';

/** Atlas pixels per unit of a mark: sharp at a device pixel ratio of 3. */
const PIXELS_PER_UNIT = 3;
const CELL = MARK_BOX * PIXELS_PER_UNIT;

/** The halo of each mark, which separates it from roads and other marks. */
const casing: Readonly<Record<Theme, { readonly color: string; readonly width: number }>> = {
  light: { color: 'rgba(18, 24, 31, 0.72)', width: 1.5 },
  dark: { color: 'rgba(7, 10, 13, 0.9)', width: 2.4 },
};

/** Values per instance of deck.gl's icon layer: offset x and y, frame x, y, width and height, tinted or not. */
export const NUMBERS_PER_ICON = 7;

/** An image of all marks, and their positions in it. */
export interface MarksAtlas {
  readonly canvas: HTMLCanvasElement;
  readonly iconOf: (state: StateOnMap, hasHeading: boolean) => Float32Array;
}

/** Draws the marks of a theme: those with a heading in the first row, those without in the second. */
export function drawMarksAtlas(theme: Theme): MarksAtlas {
  const canvas = document.createElement('canvas');
  canvas.width = CELL * statesOnMap.length;
  canvas.height = CELL * 2;
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no 2D canvas to draw the marks on');
  statesOnMap.forEach((state, column) => {
    const { color, outlines, outlinesWithoutHeading = outlines } = marks[state];
    [outlines, outlinesWithoutHeading].forEach((shape, row) => {
      context.setTransform(PIXELS_PER_UNIT, 0, 0, PIXELS_PER_UNIT, (column + 0.5) * CELL, (row + 0.5) * CELL);
      drawMark(context, { shape, color: color[theme], casing: casing[theme] });
    });
  });
  return { canvas, iconOf: (state, hasHeading) => icons[hasHeading ? 0 : 1]![statesOnMap.indexOf(state)]! };
}

const icons = [0, 1].map((row) =>
  statesOnMap.map((_, column) => new Float32Array([0, 0, column * CELL, row * CELL, CELL, CELL, 0])),
);

function drawMark(
  context: CanvasRenderingContext2D,
  mark: {
    shape: readonly Outline[];
    color: string;
    casing: { readonly color: string; readonly width: number };
  },
): void {
  context.lineJoin = 'round';
  context.strokeStyle = mark.casing.color;
  for (const { path, lineWidth = 0 } of mark.shape) {
    context.lineWidth = lineWidth + mark.casing.width;
    context.stroke(new Path2D(path));
  }
  context.strokeStyle = mark.color;
  context.fillStyle = mark.color;
  for (const { path, lineWidth } of mark.shape) {
    if (lineWidth === undefined) {
      context.fill(new Path2D(path));
    } else {
      context.lineWidth = lineWidth;
      context.stroke(new Path2D(path));
    }
  }
}
