/** Semi-major axis in metres, and squared eccentricity, of the WGS 84 ellipsoid. */
const AXIS_METERS = 6_378_137;
const ECCENTRICITY_2 = 0.006_694_379_990_14;

interface Place {
  readonly lat: number;
  readonly lng: number;
}

/**
 * The distance of two places on the WGS 84 ellipsoid, in metres. It is computed with the radii of curvature at the middle
 * latitude: within 0.01 % of the geodesic up to 100 km.
 */
export function metersBetween(one: Place, other: Place): number {
  const middle = radians((one.lat + other.lat) / 2);
  const root = Math.sqrt(1 - ECCENTRICITY_2 * Math.sin(middle) ** 2);
  const east = (AXIS_METERS / root) * Math.cos(middle) * radians(across(other.lng - one.lng));
  const north = ((AXIS_METERS * (1 - ECCENTRICITY_2)) / root ** 3) * radians(other.lat - one.lat);
  return Math.hypot(east, north);
}

/** The shorter way around the world, in degrees. */
function across(degrees: number): number {
  return ((((degrees + 180) % 360) + 360) % 360) - 180;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
