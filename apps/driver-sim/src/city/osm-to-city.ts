import type { SaxesTagPlain } from 'saxes';
import { SaxesParser } from 'saxes';
import { boundsOf, cutAtAntimeridian, roundDegrees, type Coordinate } from './antimeridian.js';
import type { CityFile, Road } from '@hailstream/events/city-file';
import { onewayOf, roadUse, type Tags } from './osm-tags.js';

interface Way {
  readonly refs: string[];
  readonly tags: Map<string, string>;
}

/** A road whose nodes may not have been read yet. */
interface PendingRoad {
  readonly refs: readonly string[];
  readonly properties: Road['properties'];
}

/** An OpenStreetMap extract cannot be converted. */
export class OsmError extends Error {
  override readonly name = 'OsmError';
  readonly code = 'OSM_UNREADABLE';
  readonly retryable = false;
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
 * Converts an OpenStreetMap extract in XML, read in pieces, to a city of its public roads for cars. Nodes and ways may be
 * in any order. Ways are split at nodes that are not in the extract.
 *
 * @throws OsmError if the extract is not well-formed or has no road
 */
export class OsmToCity {
  readonly omissions: OsmOmissions = { closed: 0, reversible: 0, deleted: 0, clipped: 0, outside: 0 };
  private readonly parser = new SaxesParser();
  private readonly nodes = new Map<string, Coordinate>();
  private readonly pending: PendingRoad[] = [];
  private way: Way | undefined;

  constructor() {
    this.parser.on('error', (error) => {
      throw new OsmError(error.message, { cause: error });
    });
    this.parser.on('opentag', (tag) => this.open(tag));
    this.parser.on('closetag', (tag) => {
      if (tag.name === 'way') this.closeWay();
    });
  }

  /** Nodes and roads read so far. */
  get progress(): { readonly nodes: number; readonly roads: number } {
    return { nodes: this.nodes.size, roads: this.pending.length };
  }

  push(text: string): void {
    this.parser.write(text);
  }

  end(about: { name: string }): CityFile {
    this.parser.close();
    const roads = this.pending.flatMap((road) => this.toRoads(road));
    if (roads.length === 0) throw new OsmError('the extract has no road for cars');
    return {
      type: 'FeatureCollection',
      name: about.name,
      bbox: boundsOf(roads.flatMap(({ geometry }) => geometry.coordinates)),
      attribution: '© OpenStreetMap contributors',
      features: roads,
    };
  }

  private open({ name, attributes }: SaxesTagPlain): void {
    switch (name) {
      case 'node':
        this.openNode(attributes);
        return;
      case 'way':
        if (isDeleted(attributes)) this.omissions.deleted += 1;
        else this.way = { refs: [], tags: new Map() };
        return;
      case 'nd':
        this.way?.refs.push(String(attributes['ref']));
        return;
      case 'tag':
        this.way?.tags.set(String(attributes['k']), String(attributes['v']));
    }
  }

  private openNode(attributes: SaxesTagPlain['attributes']): void {
    const id = String(attributes['id']);
    if (isDeleted(attributes)) {
      this.omissions.deleted += 1;
      this.nodes.delete(id);
      return;
    }
    const [lng, lat] = [degreesOf(attributes['lon'], 180), degreesOf(attributes['lat'], 90)];
    // A node without coordinates is referenced, but not part of the extract.
    if (lng !== undefined && lat !== undefined) this.nodes.set(id, [lng, lat]);
  }

  private closeWay(): void {
    const way = this.way;
    this.way = undefined;
    if (way === undefined || way.refs.length < 2) return;
    switch (roadUse(way.tags)) {
      case 'open':
        this.pending.push({ refs: way.refs, properties: propertiesOf(way.tags) });
        return;
      case 'closed':
        this.omissions.closed += 1;
        return;
      case 'reversible':
        this.omissions.reversible += 1;
        return;
      case 'no-road':
    }
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

/** JOSM marks elements to delete with `action`, extracts with history mark deleted ones with `visible`. */
function isDeleted(attributes: SaxesTagPlain['attributes']): boolean {
  return attributes['action'] === 'delete' || attributes['visible'] === 'false';
}

function degreesOf(text: unknown, most: number): number | undefined {
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  const degrees = Number(text);
  return Math.abs(degrees) <= most ? roundDegrees(degrees) : undefined;
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
