import type { CityFile, MapArea, MapPlace, Road } from '@hailstream/events/city-file';
import { boundsOf, cutAtAntimeridian, roundDegrees, type Coordinate } from './antimeridian.js';
import { areaKindOf, isRing, joinLines, seaPolygons, toPolygons } from './osm-areas.js';
import { OsmError, type Member, type OsmElements } from './osm-elements.js';
import { onewayOf, roadUse, type Tags } from './osm-tags.js';

/** How far the sea is drawn around the roads, relative to their extent. */
const SEA_MARGIN = 1;

/** Classes of places whose names are drawn. */
const PLACES: ReadonlySet<string> = new Set([
  'city',
  'town',
  'village',
  'borough',
  'suburb',
  'quarter',
  'neighbourhood',
  'island',
  'locality',
]);

/** A road whose nodes may not have been read yet. */
interface PendingRoad {
  readonly refs: readonly number[];
  readonly properties: Road['properties'];
}

/** An area whose ways and nodes may not have been read yet. */
interface PendingArea {
  readonly properties: MapArea['properties'];
  /** A closed way, or the ways of a relation. */
  readonly refs: readonly number[] | undefined;
  readonly members: readonly Member[];
}

/** Counts of what was omitted from an extract. */
export interface OsmOmissions {
  /** Roads that are closed to the public. */
  closed: number;
  /** Roads with a time-dependent direction. */
  reversible: number;
  /** Nodes and ways that are marked as deleted. */
  deleted: number;
  /** Roads that were split at nodes outside the extract. */
  clipped: number;
  /** Roads without two consecutive nodes in the extract. */
  outside: number;
}

/**
 * Converts the elements of an OpenStreetMap extract to a city: its public roads for cars, and the areas and places that the
 * map draws. Elements may be in any order. Roads are split at nodes that are not in the extract.
 */
export class OsmToCity implements OsmElements {
  readonly omissions: OsmOmissions = { closed: 0, reversible: 0, deleted: 0, clipped: 0, outside: 0 };
  private readonly nodes = new Map<number, Coordinate>();
  private readonly roads: PendingRoad[] = [];
  private readonly areas: PendingArea[] = [];
  private readonly coast: (readonly number[])[] = [];
  private readonly places: MapPlace[] = [];
  /** Ways other than roads: relations consist of them. */
  private readonly ways = new Map<number, readonly number[]>();

  /** Nodes and roads read so far. */
  get progress(): { readonly nodes: number; readonly roads: number } {
    return { nodes: this.nodes.size, roads: this.roads.length };
  }

  node(id: number, lng: number, lat: number): void {
    this.nodes.set(id, [roundDegrees(lng), roundDegrees(lat)]);
  }

  place(lng: number, lat: number, tags: Tags): void {
    const [place, name] = [tags.get('place') ?? '', tags.get('name')];
    if (!PLACES.has(place) || name === undefined) return;
    this.places.push({
      type: 'Feature',
      properties: { kind: 'place', place, name },
      geometry: { type: 'Point', coordinates: [roundDegrees(lng), roundDegrees(lat)] },
    });
  }

  way(id: number, refs: readonly number[], tags: Tags): void {
    if (refs.length < 2) return;
    switch (roadUse(tags)) {
      case 'open':
        this.roads.push({ refs, properties: propertiesOf(tags) });
        return;
      case 'closed':
        this.omissions.closed += 1;
        return;
      case 'reversible':
        this.omissions.reversible += 1;
        return;
      case 'no-road':
        this.ways.set(id, refs);
        if (tags.get('natural') === 'coastline') this.coast.push(refs);
        else this.addArea(tags, { refs, members: [] });
    }
  }

  relation(members: readonly Member[], tags: Tags): void {
    if (tags.get('type') === 'multipolygon') this.addArea(tags, { refs: undefined, members });
  }

  deleted(node?: number): void {
    this.omissions.deleted += 1;
    if (node !== undefined) this.nodes.delete(node);
  }

  /** @throws OsmError if the extract has no road */
  end(about: { name: string; attribution: string }): CityFile {
    const roads = this.roads.flatMap((road) => this.toRoads(road));
    if (roads.length === 0) throw new OsmError('the file has no road for cars');
    const bbox = boundsOf(roads.flatMap(({ geometry }) => geometry.coordinates));
    const areas = [...this.sea(bbox), ...this.areas.flatMap((area) => this.toAreas(area))];
    const hasMap = areas.length > 0 || this.places.length > 0;
    return {
      type: 'FeatureCollection',
      ...(hasMap && { version: 2 }),
      name: about.name,
      bbox,
      attribution: about.attribution,
      ...(hasMap && { areas, places: this.places }),
      features: roads,
    };
  }

  private addArea(tags: Tags, shape: Omit<PendingArea, 'properties'>): void {
    const kind = areaKindOf(tags);
    if (kind === undefined) return;
    const name = kind === 'building' ? undefined : tags.get('name');
    this.areas.push({ ...shape, properties: { kind, ...(name !== undefined && { name }) } });
  }

  /** The coordinates of nodes, without those that are not in the extract. */
  private lineOf(refs: readonly number[]): Coordinate[] {
    return refs.flatMap((ref) => {
      const coordinate = this.nodes.get(ref);
      return coordinate === undefined ? [] : [coordinate];
    });
  }

  private toAreas({ refs, members, properties }: PendingArea): MapArea[] {
    const rings = (role: string): Coordinate[][] => {
      const lines = members
        .filter((member) => (member.role === 'inner' ? 'inner' : 'outer') === role)
        .map(({ way }) => this.lineOf(this.ways.get(way) ?? []));
      return joinLines(lines, true).filter(isRing);
    };
    const outer = refs === undefined ? rings('outer') : [this.lineOf(refs)].filter(isRing);
    return toPolygons(outer, rings('inner')).map((polygon) => areaOf(polygon, properties));
  }

  private sea([west, south, east, north]: CityFile['bbox']): MapArea[] {
    // A box across the antimeridian would need a cut.
    if (west >= east || south >= north) return [];
    const [width, height] = [(east - west) * SEA_MARGIN, (north - south) * SEA_MARGIN];
    const box = [west - width, south - height, east + width, north + height] as const;
    const coast = this.coast.map((refs) => this.lineOf(refs));
    return seaPolygons(coast, box).map((polygon) => areaOf(polygon, { kind: 'water' }));
  }

  private toRoads({ refs, properties }: PendingRoad): Road[] {
    const lines: Coordinate[][] = [[]];
    let isClipped = false;
    for (const ref of refs) {
      const coordinate = this.nodes.get(ref);
      if (coordinate !== undefined) lines.at(-1)!.push(coordinate);
      else {
        isClipped = true;
        lines.push([]);
      }
    }
    const roads = lines
      .filter((line) => line.length > 1)
      .flatMap(cutAtAntimeridian)
      .map((coordinates): Road => ({
        type: 'Feature',
        properties,
        geometry: { type: 'LineString', coordinates },
      }));
    if (roads.length === 0) this.omissions.outside += 1;
    else if (isClipped) this.omissions.clipped += 1;
    return roads;
  }
}

/** Areas are only drawn: a metre is precise enough. */
function areaOf(polygon: Coordinate[][], properties: MapArea['properties']): MapArea {
  const coordinates = polygon.map((ring) =>
    ring.map(([lng, lat]): Coordinate => [Number(lng.toFixed(5)), Number(lat.toFixed(5))]),
  );
  return { type: 'Feature', properties, geometry: { type: 'Polygon', coordinates } };
}

function propertiesOf(tags: Tags): Road['properties'] {
  const name = tags.get('name');
  const maxspeed = tags.get('maxspeed');
  const oneway = onewayOf(tags);
  return {
    highway: tags.get('highway')!,
    ...(name !== undefined && { name }),
    ...(oneway !== undefined && { oneway }),
    ...(maxspeed !== undefined && { maxspeed }),
  };
}
