/** Files with a content hash in their name are cached without limit; all others are revalidated. */
export function cacheControl(path: string): string {
  return /[\\/]assets[\\/]/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/** Origins other than that of the page. */
interface OtherOrigins {
  /** A map style, and the origins that it loads from apart from its own. */
  readonly mapStyleUrl: string | null;
  readonly mapStyleOrigins: readonly string[];
  /** Of the pages that may show this one in a frame. */
  readonly frameAncestors: readonly string[];
}

/**
 * The content security policy of the page: its own files and its map workers, and what a configured map style loads. Without
 * ancestors, no page may show it in a frame.
 */
export function contentSecurityPolicy(others: OtherOrigins): string {
  const { mapStyleUrl, mapStyleOrigins, frameAncestors } = others;
  const origins = mapStyleUrl === null ? [] : [new URL(mapStyleUrl).origin, ...mapStyleOrigins];
  const map = [...new Set(origins)].map((origin) => ` ${origin}`).join('');
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self' blob:",
    // The map libraries set inline styles.
    "style-src 'self' 'unsafe-inline'",
    `img-src 'self' data: blob:${map}`,
    "font-src 'self'",
    // Styles, tiles, sprites and glyphs are all requested by scripts.
    `connect-src 'self'${map}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frameAncestors.join(' ') || "'none'"}`,
  ].join('; ');
}
