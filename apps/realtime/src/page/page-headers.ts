/** Files with a content hash in their name are cached without limit; all others are revalidated. */
export function cacheControl(path: string): string {
  return /[\\/]assets[\\/]/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/**
 * The content security policy of the page: its own files and its map workers. With a map style, also what the style loads
 * over HTTPS and from the style's origin.
 */
export function contentSecurityPolicy(mapStyleUrl: string | null): string {
  const map = mapStyleUrl === null ? '' : ` https: ${new URL(mapStyleUrl).origin}`;
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self' blob:",
    // The map libraries set inline styles.
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
