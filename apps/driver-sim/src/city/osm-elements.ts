import type { Tags } from './osm-tags.js';

/** An OpenStreetMap extract cannot be converted. */
export class OsmError extends Error {
  override readonly name = 'OsmError';
  readonly code = 'OSM_UNREADABLE';
  readonly retryable = false;
}

/** A way that is part of a relation. */
export interface Member {
  readonly way: number;
  readonly role: string;
}

/** Receives the elements of an extract, in the order of the file. */
export interface OsmElements {
  node(id: number, lng: number, lat: number): void;
  /** A node with a name that is a place, in addition to {@link node}. */
  place(lng: number, lat: number, tags: Tags): void;
  way(id: number, refs: readonly number[], tags: Tags): void;
  relation(members: readonly Member[], tags: Tags): void;
  /** An element that is marked as deleted; `node` is its id if it is a node. */
  deleted(node?: number): void;
}
