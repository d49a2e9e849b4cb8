import {
  centralRings,
  labelSpot,
  mapFrame,
  mapPath,
  scaleBar,
  shadeLimits,
  shadeOf,
  shadeRanges,
  type MapFrame,
  type MapRing,
} from '@hailstream/events/reports';
import { UNKNOWN, formatDistance } from '../format.js';

const SIZE = { width: 760, maxHeight: 620, margin: 12, bottom: 30 };
/** Of a letter of a name, in units of the map. */
const LETTER_WIDTH = 7;
const LINE_HEIGHT = 14;

interface ReportArea {
  readonly key: string;
  /** Written in the area if there is enough room. */
  readonly name: string | null;
  readonly rings: readonly MapRing[];
  readonly value: number | null;
}

/** Areas in colours of their values. With the keyboard, areas are opened in the table. */
export function ReportMap(props: {
  label: string;
  areas: readonly ReportArea[];
  /** Lines over the areas. */
  outlines: readonly (readonly MapRing[])[];
  format: (value: number) => string;
  onOpen: (rings: readonly MapRing[]) => void;
}) {
  const { label, areas, outlines, format, onOpen } = props;
  const values = areas.flatMap(({ value }) => (value !== null && value > 0 ? [value] : []));
  const limits = shadeLimits(values);
  const frame = mapFrame(extentOf(areas, outlines), SIZE);
  const wordsOf = (value: number | null): string => (value === null ? UNKNOWN : format(value));
  return (
    <figure className="reports-map">
      <svg
        viewBox={`0 0 ${frame.width} ${frame.height}`}
        role="img"
        aria-label={label}
        data-testid="report-map"
      >
        <rect className="reports-ground" width={frame.width} height={frame.height} />
        {areas.map(({ key, name, rings, value }) => (
          <path
            key={key}
            className={`reports-area ${shadeClass(limits, value)}`}
            d={mapPath(frame, rings)}
            onClick={() => onOpen(rings)}
          >
            <title>{name === null ? wordsOf(value) : `${name}: ${wordsOf(value)}`}</title>
          </path>
        ))}
        {outlines.map((rings, index) => (
          <path key={index} className="reports-outline" d={mapPath(frame, rings)} />
        ))}
        {areas.map((area) => (
          <AreaName key={area.key} frame={frame} area={area} words={wordsOf(area.value)} />
        ))}
        <Scale frame={frame} />
      </svg>
      <p className="reports-keys">
        {shadeRanges(values).map(({ shade, least, most }) => (
          <span key={shade}>
            <span className={`reports-swatch shade-${shade}`} />
            {least === most ? format(least) : `${format(least)} – ${format(most)}`}
          </span>
        ))}
      </p>
    </figure>
  );
}

/** What the map shows as large as possible: the zones, or the cells in the middle. */
function extentOf(
  areas: readonly ReportArea[],
  outlines: readonly (readonly MapRing[])[],
): readonly MapRing[] {
  if (outlines.length > 0) return outlines.flat();
  if (areas.some(({ name }) => name !== null)) return areas.flatMap(({ rings }) => rings);
  const central = centralRings(areas.map(({ rings, value }) => ({ ring: rings[0]!, value })));
  return central.length === 0 ? areas.flatMap(({ rings }) => rings) : central;
}

function shadeClass(limits: readonly number[], value: number | null): string {
  const shade = value === null ? null : shadeOf(limits, value);
  return shade === null ? 'shade-none' : `shade-${shade}`;
}

function AreaName({ frame, area, words }: { frame: MapFrame; area: ReportArea; words: string }) {
  const { name, rings } = area;
  if (name === null) return null;
  const { x, y, width } = labelSpot(frame, rings);
  if (Math.max(name.length, words.length) * LETTER_WIDTH > width) return null;
  return (
    <text className="reports-place" textAnchor="middle" x={x} y={y}>
      {name}
      <tspan className="reports-place-value" x={x} dy={LINE_HEIGHT}>
        {words}
      </tspan>
    </text>
  );
}

function Scale({ frame }: { frame: MapFrame }) {
  const { metres, length } = scaleBar(frame);
  const y = frame.height - 10;
  return (
    <>
      <path className="reports-scale" d={`M12 ${y - 4}V${y}H${12 + length}V${y - 4}`} />
      <text className="reports-scale-words" x={18 + length} y={y}>
        {formatDistance(metres)}
      </text>
    </>
  );
}
