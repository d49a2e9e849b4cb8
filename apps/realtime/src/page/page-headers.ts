/** A file whose name changes with its content may be kept for ever; any other is asked for again each time. */
export function cacheControl(path: string): string {
  return /[\\/]assets[\\/]/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/**
 * What the page may load and run: its own files, and its map workers. With a map style from elsewhere, what that
 * style names too, over HTTPS and from the style's own origin.
 */
export function contentSecurityPolicy(mapStyleUrl: string | null): string {
  const map = mapStyleUrl === null ? '' : ` https: ${new URL(mapStyleUrl).origin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self' blob:",
    // Libraries that draw the map set styles on elements.
    "style-src 'self' 'unsafe-inline'",
    `img-src 'self' data: blob:${map}`,
    `font-src 'self'${map}`,
    `connect-src 'self'${map}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
