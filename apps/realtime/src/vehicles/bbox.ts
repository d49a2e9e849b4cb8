import type { Viewport } from '@hailstream/events/live';
import { QueryError } from '../query/query-parameters.js';

/**
 * Parses `west,south,east,north` in degrees; `west` is greater than `east` if the box crosses the antimeridian.
 *
 * @throws QueryError if the text is not a bounding box
 */
export function parseBbox(text: string): Viewport {
  const parts = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [west, south, east, north] = parts;
  const isComplete =
    west !== undefined &&
    south !== undefined &&
    east !== undefined &&
    north !== undefined &&
    parts.length === 4;
  if (!isComplete || !parts.every(Number.isFinite)) {
    throw new QueryError('bbox', 'must be four numbers: west,south,east,north');
  }
  if (Math.abs(west) > 180 || Math.abs(east) > 180)
    throw new QueryError('bbox', 'west and east must be from -180 to 180');
  if (Math.abs(south) > 90 || Math.abs(north) > 90)
    throw new QueryError('bbox', 'south and north must be from -90 to 90');
  if (south > north) throw new QueryError('bbox', 'south must not be greater than north');
  return { west, south, east, north };
}
