import type { SaxesTagPlain } from 'saxes';
import { SaxesParser } from 'saxes';
import { OsmError, type OsmElements, type Member } from './osm-elements.js';

/** Reads an OpenStreetMap extract in XML, in pieces. @throws OsmError if it is not well-formed */
export class OsmXml {
  private readonly parser = new SaxesParser();
  private element:
    | {
        readonly kind: 'way' | 'relation';
        readonly id: number;
        readonly refs: number[];
        readonly members: Member[];
        readonly tags: Map<string, string>;
      }
    | {
        readonly kind: 'place';
        readonly lng: number;
        readonly lat: number;
        readonly tags: Map<string, string>;
      }
    | undefined;

  constructor(private readonly elements: OsmElements) {
    this.parser.on('error', (error) => {
      throw new OsmError(error.message, { cause: error });
    });
    this.parser.on('opentag', (tag) => this.open(tag));
    this.parser.on('closetag', ({ name }) => this.close(name));
  }

  push(text: string): void {
    this.parser.write(text);
  }

  end(): void {
    this.parser.close();
  }

  private open({ name, attributes }: SaxesTagPlain): void {
    const { element } = this;
    switch (name) {
      case 'node':
        this.openNode(attributes);
        return;
      case 'way':
      case 'relation':
        if (isDeleted(attributes)) this.elements.deleted();
        else
          this.element = { kind: name, id: Number(attributes['id']), refs: [], members: [], tags: new Map() };
        return;
      case 'nd':
        if (element?.kind === 'way') element.refs.push(Number(attributes['ref']));
        return;
      case 'member':
        if (element?.kind === 'relation' && attributes['type'] === 'way') {
          element.members.push({ way: Number(attributes['ref']), role: String(attributes['role']) });
        }
        return;
      case 'tag':
        element?.tags.set(String(attributes['k']), String(attributes['v']));
    }
  }

  private openNode(attributes: SaxesTagPlain['attributes']): void {
    const id = Number(attributes['id']);
    if (isDeleted(attributes)) {
      this.elements.deleted(id);
      return;
    }
    const [lng, lat] = [degreesOf(attributes['lon'], 180), degreesOf(attributes['lat'], 90)];
    // A node without coordinates is referenced, but not part of the extract.
    if (lng === undefined || lat === undefined) return;
    this.elements.node(id, lng, lat);
    this.element = { kind: 'place', lng, lat, tags: new Map() };
  }

  private close(name: string): void {
    const { element } = this;
    if (element === undefined || !['node', 'way', 'relation'].includes(name)) return;
    this.element = undefined;
    switch (element.kind) {
      case 'place':
        if (element.tags.has('place')) this.elements.place(element.lng, element.lat, element.tags);
        return;
      case 'way':
        this.elements.way(element.id, element.refs, element.tags);
        return;
      case 'relation':
        this.elements.relation(element.members, element.tags);
    }
  }
}

/** JOSM marks elements to delete with `action`, extracts with history mark deleted ones with `visible`. */
function isDeleted(attributes: SaxesTagPlain['attributes']): boolean {
  return attributes['action'] === 'delete' || attributes['visible'] === 'false';
}

function degreesOf(text: unknown, most: number): number | undefined {
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  const degrees = Number(text);
  return Math.abs(degrees) <= most ? degrees : undefined;
}
