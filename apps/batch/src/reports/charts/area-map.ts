import {
  labelSpot,
  mapFrame,
  mapPath,
  scaleBar,
  type MapFrame,
  type MapRing,
} from '@hailstream/events/reports';
import { coordinate, escapeText, openSvg } from './svg.js';

const MARGIN = 14;
/** Room for the scale bar. */
const BOTTOM = 28;
const MAX_HEIGHT_SHARE = 1.1;
/** Of a letter of a name, in units of the map. */
const LETTER_WIDTH = 6.4;
const LINE_HEIGHT = 13;
const MAX_LINES = 2;

/** An area of a map. */
interface MapArea {
  readonly rings: readonly MapRing[];
  /** Sets the colour: `shade-0`, `fall-2`, `none`, `hidden`, … */
  readonly className: string;
  /** Shown if the pointer is on the area. */
  readonly title: string;
  /** Written in the area if there is enough room. */
  readonly name?: string;
  /** Written below the name. */
  readonly value?: string;
}

interface AreaMapOptions {
  readonly label: string;
  readonly areas: readonly MapArea[];
  /** Lines over the areas, such as the outlines of zones over cells. */
  readonly outlines?: readonly (readonly MapRing[])[];
  /** What the map shows as large as possible: a few far areas without a value would make all others small. */
  readonly extent: readonly MapRing[];
  readonly width: number;
}

/** A map of areas. North is up; a scale bar is below. */
export function areaMap({ label, areas, outlines = [], extent, width }: AreaMapOptions): string {
  const size = { width, maxHeight: Math.round(width * MAX_HEIGHT_SHARE), margin: MARGIN, bottom: BOTTOM };
  const frame = mapFrame(extent, size);
  return [
    openSvg(frame, label),
    `<rect class="backdrop" width="${frame.width}" height="${frame.height}"/>`,
    ...areas.map(
      ({ rings, className, title }) =>
        `<path class="area ${className}" d="${mapPath(frame, rings)}"><title>${escapeText(title)}</title></path>`,
    ),
    ...outlines.map((rings) => `<path class="outline" d="${mapPath(frame, rings)}"/>`),
    ...areas.map((area) => nameOf(frame, area)),
    drawnScaleBar(frame),
    '</svg>',
  ].join('');
}

function nameOf(frame: MapFrame, { rings, name, value }: MapArea): string {
  if (name === undefined) return '';
  const { x, y, width } = labelSpot(frame, rings);
  const lines = brokenInto(name, Math.floor(width / LETTER_WIDTH));
  if (lines === null) return '';
  const all = value === undefined ? lines : [...lines, value];
  const top = y - ((all.length - 1) * LINE_HEIGHT) / 2 + 4;
  const spans = all.map(
    (line, index) =>
      `<tspan x="${coordinate(x)}" y="${coordinate(top + index * LINE_HEIGHT)}"${index >= lines.length ? ' class="value"' : ''}>${escapeText(line)}</tspan>`,
  );
  return `<text class="place" text-anchor="middle">${spans.join('')}</text>`;
}

/** A name in lines of at most some letters; `null` if it does not fit. */
function brokenInto(name: string, letters: number): string[] | null {
  const lines: string[] = [];
  for (const word of name.split(/(?<=[/\s-])/)) {
    const last = lines.at(-1);
    if (last !== undefined && (last + word).trim().length <= letters) lines[lines.length - 1] = last + word;
    else lines.push(word);
  }
  const trimmed = lines.map((line) => line.trim());
  return trimmed.length > MAX_LINES || trimmed.some((line) => line.length > letters) ? null : trimmed;
}

function drawnScaleBar(frame: MapFrame): string {
  const { metres, length } = scaleBar(frame);
  const text = metres < 1_000 ? `${metres} m` : `${metres / 1_000} km`;
  const right = coordinate(MARGIN + length);
  const y = frame.height - 10;
  return (
    `<path class="scale" d="M${MARGIN} ${y - 4}V${y}H${right}V${y - 4}"/>` +
    `<text class="axis" x="${coordinate(Number(right) + 6)}" y="${y}">${text}</text>`
  );
}
