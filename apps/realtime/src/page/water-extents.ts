import type { CityFile } from '@hailstream/events/city-file';
import type { City, Viewport } from '@hailstream/events/live';

type WaterExtent = City['waterExtents'][number];

/** Where the water of the cities ends, and what is closer than that: one extent for cities whose extents overlap. */
export function waterExtentsOf(files: readonly CityFile[]): WaterExtent[] {
  const merged: WaterExtent[] = [];
  for (let extent of files.flatMap(waterExtentOf)) {
    for (let other = overlapping(merged, extent); other !== undefined; other = overlapping(merged, extent)) {
      merged.splice(merged.indexOf(other), 1);
      extent = { water: union(extent.water, other.water), roads: union(extent.roads, other.roads) };
    }
    merged.push(extent);
  }
  return merged;
}

/** None without water outside of the box of the roads. A box across the antimeridian has no sea. */
function waterExtentOf({ bbox: [west, south, east, north], areas = [] }: CityFile): WaterExtent[] {
  const roads = { west, south, east, north };
  let water: Viewport = roads;
  for (const { properties, geometry } of areas) {
    if (properties.kind !== 'water') continue;
    for (const [lng, lat] of geometry.coordinates[0] ?? []) {
      water = union(water, { west: lng, south: lat, east: lng, north: lat });
    }
  }
  return west >= east || isEqual(water, roads) ? [] : [{ water, roads }];
}

function overlapping(extents: readonly WaterExtent[], { water: one }: WaterExtent): WaterExtent | undefined {
  return extents.find(
    ({ water: other }) =>
      one.west <= other.east &&
      other.west <= one.east &&
      one.south <= other.north &&
      other.south <= one.north,
  );
}

function union(one: Viewport, other: Viewport): Viewport {
  return {
    west: Math.min(one.west, other.west),
    south: Math.min(one.south, other.south),
    east: Math.max(one.east, other.east),
    north: Math.max(one.north, other.north),
  };
}

function isEqual(one: Viewport, other: Viewport): boolean {
  return (
    one.west === other.west &&
    one.south === other.south &&
    one.east === other.east &&
    one.north === other.north
  );
}
