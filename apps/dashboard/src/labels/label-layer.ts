import type { Layer } from '@deck.gl/core';
import { TextLayer } from '@deck.gl/layers';
import type { Theme } from '../theme/theme.js';
import { LABEL_OFFSET, LABEL_SIZE, type Label } from './lay-out-labels.js';

const ink = {
  light: { text: [20, 25, 31, 255], halo: [255, 255, 255, 235] },
  dark: { text: [233, 238, 243, 255], halo: [14, 19, 24, 235] },
} as const satisfies Readonly<Record<Theme, Record<string, readonly number[]>>>;

type Rgba = [number, number, number, number];

/** Labels next to their marks, which move with them: `positions` are those of the marks as drawn at `now`. */
export function labelLayer(
  labels: readonly Label[],
  look: { readonly positions: Float64Array; readonly now: number; readonly theme: Theme },
): Layer {
  const { text, halo } = ink[look.theme];
  return new TextLayer<Label>({
    id: `labels-${look.theme}`,
    data: labels,
    getPosition: ({ index }) => [look.positions[2 * index]!, look.positions[2 * index + 1]!],
    updateTriggers: { getPosition: look.now },
    getText: (label) => label.text,
    getSize: LABEL_SIZE,
    getColor: [...text] as Rgba,
    getPixelOffset: [...LABEL_OFFSET],
    getTextAnchor: 'start',
    background: true,
    getBackgroundColor: [...halo] as Rgba,
    backgroundPadding: [3, 1],
    fontFamily: 'ui-monospace, Menlo, Consolas, "Liberation Mono", monospace',
    fontWeight: 600,
    characterSet: '0123456789abcdef %',
  });
}
