import type { SaxesTagPlain } from 'saxes';
import { SaxesParser } from 'saxes';
import type { CityFile, Road } from './city-file.js';

/** Classes of OpenStreetMap's `highway` that cars drive on. */
const DRIVABLE_CLASSES = [
  'motorway',
  'trunk',
  'primary',
  'secondary',
  'tertiary',
  'unclassified',
  'residential',
  'living_street',
  'service',
  'road',
];
const drivable: ReadonlySet<string> = new Set(DRIVABLE_CLASSES.flatMap((name) => [name, `${name}_link`]));

/** Decimals of a degree kept: 0.1 m. */
const COORDINATE_DECIMALS = 6;

type Coordinate = [lng: number, lat: number];

interface Way {
  readonly refs: string[];
  readonly tags: Map<string, string>;
}

/** An OpenStreetMap extract can't be made a city. */
export class OsmError extends Error {
  override readonly name = 'OsmError';
  readonly code = 'OSM_UNREADABLE';
  readonly retryable = false;
}

/**
 * Makes a city of an OpenStreetMap extract in XML, read piece by piece: its public roads that cars drive on. Nodes come
 * before ways, as extracts have them.
 *
 * @throws {OsmError} when it is not well-formed, a way names a node that is not there, or there is no road
 */
export class OsmToCity {
  readonly #parser = new SaxesParser();
  readonly #nodes = new Map<string, Coordinate>();
  readonly #roads: Road[] = [];
  #way: Way | undefined;

  constructor() {
    this.#parser.on('error', (error) => {
      throw new OsmError(error.message, { cause: error });
    });
    this.#parser.on('opentag', (tag) => this.#open(tag));
    this.#parser.on('closetag', (tag) => {
      if (tag.name === 'way') this.#closeWay();
    });
  }

  push(text: string): void {
    this.#parser.write(text);
  }

  end(about: { name: string }): CityFile {
    this.#parser.close();
    if (this.#roads.length === 0) throw new OsmError('there is no road in it that cars drive on');
    return {
      type: 'FeatureCollection',
      name: about.name,
      bbox: boundsOf(this.#roads),
      attribution: '© OpenStreetMap contributors',
      features: this.#roads,
    };
  }

  #open({ name, attributes }: SaxesTagPlain): void {
    if (name === 'node') {
      this.#nodes.set(String(attributes['id']), [
        rounded(Number(attributes['lon'])),
        rounded(Number(attributes['lat'])),
      ]);
    } else if (name === 'way') {
      this.#way = { refs: [], tags: new Map() };
    } else if (name === 'nd') {
      this.#way?.refs.push(String(attributes['ref']));
    } else if (name === 'tag') {
      this.#way?.tags.set(String(attributes['k']), String(attributes['v']));
    }
  }

  #closeWay(): void {
    const way = this.#way;
    this.#way = undefined;
    if (way === undefined || !isPublicRoad(way.tags) || way.refs.length < 2) return;
    const coordinates = way.refs.map((ref) => {
      const coordinate = this.#nodes.get(ref);
      if (coordinate === undefined) throw new OsmError(`a way names node ${ref}, which is not in it`);
      return coordinate;
    });
    this.#roads.push({
      type: 'Feature',
      properties: propertiesOf(way.tags),
      geometry: { type: 'LineString', coordinates },
    });
  }
}

function isPublicRoad(tags: ReadonlyMap<string, string>): boolean {
  const access = tags.get('motor_vehicle') ?? tags.get('access');
  return drivable.has(tags.get('highway') ?? '') && access !== 'no' && access !== 'private';
}

function propertiesOf(tags: ReadonlyMap<string, string>): Road['properties'] {
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

/** Roundabouts and motorways go one way without saying so. */
function onewayOf(tags: ReadonlyMap<string, string>): 'yes' | '-1' | undefined {
  switch (tags.get('oneway')) {
    case 'yes':
    case 'true':
    case '1':
      return 'yes';
    case '-1':
    case 'reverse':
      return '-1';
    case undefined: {
      const isImplied =
        ['roundabout', 'circular'].includes(tags.get('junction') ?? '') || tags.get('highway') === 'motorway';
      return isImplied ? 'yes' : undefined;
    }
    default:
      return undefined;
  }
}

function boundsOf(roads: readonly Road[]): CityFile['bbox'] {
  const coordinates = roads.flatMap((road) => road.geometry.coordinates);
  const lngs = coordinates.map(([lng]) => lng);
  const lats = coordinates.map(([, lat]) => lat);
  const least = (values: number[]): number => values.reduce((a, b) => Math.min(a, b));
  const most = (values: number[]): number => values.reduce((a, b) => Math.max(a, b));
  return [least(lngs), least(lats), most(lngs), most(lats)];
}

function rounded(degrees: number): number {
  return Number(degrees.toFixed(COORDINATE_DECIMALS));
}
