import { coordinate, escapeText, openSvg } from './svg.js';

const WIDTH = 640;
const HEIGHT = 30;

/** A part of a whole. */
export interface Part {
  readonly name: string;
  readonly value: number;
}

/** One bar that is divided into parts. Their colours are the classes `part-0`, `part-1`, … */
export function shareBar(label: string, parts: readonly Part[], format: (share: number) => string): string {
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  let left = 0;
  const drawn = parts.map(({ name, value }, index) => {
    const width = total === 0 ? 0 : (value / total) * WIDTH;
    const title = escapeText(`${name}: ${format(total === 0 ? 0 : value / total)}`);
    const part = `<rect class="part-${index}" x="${coordinate(left)}" y="0" width="${coordinate(width)}" height="${HEIGHT}"><title>${title}</title></rect>`;
    left += width;
    return part;
  });
  return [openSvg({ width: WIDTH, height: HEIGHT }, label), ...drawn, '</svg>'].join('');
}
