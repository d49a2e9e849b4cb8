/** Tags of a way in OpenStreetMap. */
export type Tags = ReadonlyMap<string, string>;

/** Classes of OpenStreetMap's `highway` for cars. */
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

/** Modes of access tags, from cars to all traffic: the first one with a known value applies. */
const MODES = ['motorcar', 'motor_vehicle', 'vehicle', 'access'] as const;

/** Values of access that allow a car with a passenger. */
const OPEN: ReadonlySet<string> = new Set([
  'yes',
  'permissive',
  'designated',
  'official',
  'public',
  'destination',
  'customers',
  'unknown',
]);

/** Values of access that do not. A value in neither set is ignored. */
const CLOSED: ReadonlySet<string> = new Set([
  'no',
  'private',
  'permit',
  'residents',
  'delivery',
  'agricultural',
  'forestry',
  'agricultural;forestry',
  'emergency',
  'military',
  'psv',
  'bus',
  'taxi',
  'hgv',
  'employees',
  'staff',
  'restricted',
]);

/** Service roads that are closed to cars with passengers. */
const CLOSED_SERVICES: ReadonlySet<string> = new Set(['emergency_access']);

/** Whether a way is a road for cars, and whether it is open to them. */
type RoadUse = 'open' | 'closed' | 'reversible' | 'no-road';

/** Returns the use of a way by cars. @see https://wiki.openstreetmap.org/wiki/Key:access */
export function roadUse(tags: Tags): RoadUse {
  if (!drivable.has(tags.get('highway') ?? '') || tags.get('area') === 'yes') return 'no-road';
  if (tags.get('impassable') === 'yes' || CLOSED_SERVICES.has(tags.get('service') ?? '')) return 'closed';
  if (!isOpen(tags)) return 'closed';
  return directionOf(tags) === 'reversible' ? 'reversible' : 'open';
}

function isOpen(tags: Tags): boolean {
  for (const mode of MODES) {
    const values = (tags.get(mode) ?? '').split(';').map((value) => value.trim());
    if (values.some((value) => OPEN.has(value))) return true;
    if (values.some((value) => CLOSED.has(value))) return false;
  }
  return true;
}

/** Returns the direction of an open road; `undefined` if it has both. */
export function onewayOf(tags: Tags): 'yes' | '-1' | undefined {
  const direction = directionOf(tags);
  return direction === 'reversible' ? undefined : direction;
}

/** Roundabouts and motorways are one-way by default. */
function directionOf(tags: Tags): 'yes' | '-1' | 'reversible' | undefined {
  const values = MODES.slice(0, -1).map((mode) => tags.get(`oneway:${mode}`));
  switch (values.find((value) => value !== undefined) ?? tags.get('oneway')) {
    case 'yes':
    case 'true':
    case '1':
      return 'yes';
    case '-1':
    case 'reverse':
      return '-1';
    // The direction depends on the time, which is unknown here.
    case 'reversible':
    case 'alternating':
      return 'reversible';
    case 'no':
    case 'false':
    case '0':
      return undefined;
    default: {
      const isImplied =
        ['roundabout', 'circular'].includes(tags.get('junction') ?? '') || tags.get('highway') === 'motorway';
      return isImplied ? 'yes' : undefined;
    }
  }
}
