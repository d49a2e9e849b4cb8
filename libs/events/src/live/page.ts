import type { Viewport } from './frame.js';

/** Response of `GET /city`: the base map. Roads are GeoJSON lines with the `highway` class of OpenStreetMap. */
export interface City {
  readonly name: string;
  readonly bbox: Viewport;
  readonly attribution: string;
  /** Map style to load instead of the roads, if configured. */
  readonly mapStyleUrl: string | null;
  readonly roads: Features<
    { readonly highway: string; readonly name?: string },
    { readonly type: 'LineString'; readonly coordinates: readonly LngLat[] }
  >;
  /** Water, parks and buildings, drawn below the roads. The first ring of a polygon is its border, the others are holes. */
  readonly areas: Features<
    { readonly kind: 'water' | 'park' | 'building' },
    { readonly type: 'Polygon'; readonly coordinates: readonly (readonly LngLat[])[] }
  >;
  /** Where the data of water ends, which may be in the middle of the sea: the box of the water and of the roads, for each city. */
  readonly waterExtents: readonly { readonly water: Viewport; readonly roads: Viewport }[];
  /** Names of parts of the city, with OpenStreetMap's class of the place. */
  readonly places: Features<
    { readonly place: string; readonly name: string },
    { readonly type: 'Point'; readonly coordinates: LngLat }
  >;
}

type LngLat = readonly [lng: number, lat: number];

interface Features<Properties, Geometry> {
  readonly type: 'FeatureCollection';
  readonly features: readonly {
    readonly type: 'Feature';
    readonly properties: Properties;
    readonly geometry: Geometry;
  }[];
}

/** Who is signed in. */
export interface SessionUser {
  /** `null` if the token does not say it. */
  readonly name: string | null;
  /** The only provider whose events are shown; `null`: all. */
  readonly providerId: string | null;
  readonly scopes: readonly string[];
}

/** The answer to `GET /session` and `POST /session`. */
export interface SessionState {
  /** Whether the service requires a session or a token. */
  readonly isRequired: boolean;
  /** `null` if nobody is signed in with this browser. */
  readonly user: SessionUser | null;
  /** Unix time in milliseconds at which the session ends; `null` without one. */
  readonly expiresAt: number | null;
}

/** The answer to `DELETE /session` if the user is signed in at an identity provider as well. */
export interface ProviderSignOut {
  /** Where the user signs out there, and returns from. */
  readonly url: string;
}

/** The answer to `GET /commands`, which needs no token: how to sign in, and shell commands. `null` if not configured. */
export interface PageCommands {
  /** Prints a link that signs a browser in. */
  readonly signIn: string | null;
  /** Replays recorded events. */
  readonly replay: string | null;
  /** The identity provider with which users sign in: its name, and where that begins. */
  readonly signInWith: { readonly name: string; readonly url: string } | null;
}
