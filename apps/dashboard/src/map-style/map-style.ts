import type { StyleSpecification } from 'maplibre-gl';

/** Time limit of the request of a style. */
const STYLE_TIMEOUT_MS = 8_000;

/** Why the built-in map is shown instead of the configured style. */
export type StyleFailure =
  /** No response. Browsers do not tell pages whether the network or a missing permission (CORS, policy) is the reason. */
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** The style was loaded, but none of its tiles. `reason`: the first error, if there was one. */
  | { readonly kind: 'tiles'; readonly reason: string | null };

/** A style, or the reason why it cannot be used. */
type LoadedStyle = { readonly style: StyleSpecification } | { readonly failure: StyleFailure };

/** Loads a style. Its layers and sources are validated by the map. */
export async function loadMapStyle(
  url: string,
  fetchFrom: (url: string, init: RequestInit) => Promise<Response> = fetch,
): Promise<LoadedStyle> {
  let response: Response;
  let text: string;
  try {
    response = await fetchFrom(url, { signal: AbortSignal.timeout(STYLE_TIMEOUT_MS) });
    text = await response.text();
  } catch {
    return { failure: { kind: 'unreachable' } };
  }
  if (!response.ok) return { failure: { kind: 'status', status: response.status } };
  return parseMapStyle(text);
}

/** Parses a style: an object of version 8 with sources and layers. */
export function parseMapStyle(text: string): LoadedStyle {
  let style: unknown;
  try {
    style = JSON.parse(text);
  } catch {
    return invalid('it is not JSON');
  }
  const { version, sources, layers } = (style ?? {}) as Readonly<Record<string, unknown>>;
  if (version !== 8) return invalid('version: 8 expected');
  if (typeof sources !== 'object' || sources === null) return invalid('sources: object expected');
  if (!Array.isArray(layers)) return invalid('layers: array expected');
  return { style: style as StyleSpecification };
}

/** Whether a style requests tiles. */
export function hasTiles({ sources }: Pick<StyleSpecification, 'sources'>): boolean {
  return Object.values(sources).some(({ type }) => type === 'vector' || type === 'raster');
}

function invalid(reason: string): LoadedStyle {
  return { failure: { kind: 'invalid', reason } };
}
