import { type StateOnMap, statesOnMap } from '../city-state/drawn-state.js';
import type { Theme } from '../theme/theme.js';
import { MARK_BOX, type Outline, marks, OTHER_PROVIDER_COLOR, providerColors, riderMark } from './marks.js';

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
  /** `color` is an index of the atlas's colours; 0 if the colours mean states. */
  readonly iconOf: (state: StateOnMap, hasHeading: boolean, color: number) => Float32Array;
}

/** The colours of providers by the index that `MarksAtlas.iconOf` takes; the last one is that of further providers. */
export const colorsOfProviders: readonly string[] = [...providerColors, OTHER_PROVIDER_COLOR];

/**
 * Draws the marks of a theme: those with a heading in the first row, those without in the second; two such rows for each of
 * the colours of providers, or two rows if the colours mean states.
 */
export function drawMarksAtlas(theme: Theme, colors: 'state' | 'provider'): MarksAtlas {
  const palette = colors === 'state' ? [null] : colorsOfProviders;
  const canvas = document.createElement('canvas');
  canvas.width = CELL * statesOnMap.length;
  canvas.height = CELL * 2 * palette.length;
  const context = contextOf(canvas);
  statesOnMap.forEach((state, column) => {
    const { color, outlines, outlinesWithoutHeading = outlines } = marks[state];
    palette.forEach((providerColor, index) => {
      [outlines, outlinesWithoutHeading].forEach((shape, row) => {
        moveTo(context, column, 2 * index + row);
        drawMark(context, { shape, color: providerColor ?? color[theme], casing: casing[theme] });
      });
    });
  });
  return {
    canvas,
    iconOf: (state, hasHeading, color) =>
      icons[2 * color + Number(!hasHeading)]![statesOnMap.indexOf(state)]!,
  };
}

/** Draws the mark of a waiting rider, which fills the canvas. */
export function drawRiderIcon(theme: Theme): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = CELL;
  canvas.height = CELL;
  const context = contextOf(canvas);
  moveTo(context, 0, 0);
  drawMark(context, { shape: riderMark.outlines, color: riderMark.color, casing: casing[theme] });
  return canvas;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('this browser gives no 2D canvas to draw the marks on');
  return context;
}

/** Moves the origin to the centre of a cell of the atlas. */
function moveTo(context: CanvasRenderingContext2D, column: number, row: number): void {
  context.setTransform(PIXELS_PER_UNIT, 0, 0, PIXELS_PER_UNIT, (column + 0.5) * CELL, (row + 0.5) * CELL);
}

const icons = Array.from({ length: 2 * colorsOfProviders.length }, (_, row) =>
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
