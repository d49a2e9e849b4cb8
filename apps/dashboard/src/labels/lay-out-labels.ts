import type { Viewport } from '@hailstream/events/live';
import { worldSizePixels, worldX, worldY } from '../city-state/mercator.js';

/** Labels are drawn from this zoom on, where marks are far enough from each other. */
const LABELS_FROM_ZOOM = 14.5;

/** Maximum number of labels. */
export const MAX_LABELS = 200;

/** A label's place relative to its mark, and its size, in pixels. */
export const LABEL_OFFSET = [13, 0] as const;
export const LABEL_SIZE = 11;
const LINE_PIXELS = 14;
const CHARACTER_PIXELS = 7;

export interface Label {
  /** Of the mark. */
  readonly index: number;
  readonly text: string;
}

/**
 * The labels that have room next to their marks without covering each other: the first marks come first. Only marks in the visible
 * area are looked at, and at most {@link MAX_LABELS} labels are laid out, so that the cost does not depend on the size of a fleet.
 */
export function layOutLabels(
  positions: Float64Array,
  view: {
    readonly bounds: Viewport;
    readonly zoom: number;
    readonly textOf: (index: number) => string | null;
  },
): Label[] {
  const { bounds, zoom, textOf } = view;
  if (zoom < LABELS_FROM_ZOOM) return [];
  const size = worldSizePixels(zoom);
  const labels: Label[] = [];
  /** The extents of the labels in each row of pixels of a label's height. */
  const rows = new Map<number, (readonly [from: number, to: number, y: number])[]>();
  for (let index = 0; index < positions.length / 2 && labels.length < MAX_LABELS; index++) {
    const lng = positions[2 * index]!;
    const lat = positions[2 * index + 1]!;
    const across = (((lng - bounds.west) % 360) + 360) % 360;
    if (across > bounds.east - bounds.west || lat < bounds.south || lat > bounds.north) continue;
    const text = textOf(index);
    if (text === null) continue;
    const from = worldX(lng) * size + LABEL_OFFSET[0];
    const to = from + text.length * CHARACTER_PIXELS;
    const y = worldY(lat) * size + LABEL_OFFSET[1];
    const row = Math.floor(y / LINE_PIXELS);
    const isCovered = [row - 1, row, row + 1].some((near) =>
      rows
        .get(near)
        ?.some(
          ([otherFrom, otherTo, otherY]) =>
            from < otherTo && to > otherFrom && Math.abs(y - otherY) < LINE_PIXELS,
        ),
    );
    if (isCovered) continue;
    const inRow = rows.get(row) ?? [];
    inRow.push([from, to, y]);
    rows.set(row, inRow);
    labels.push({ index, text });
  }
  return labels;
}
