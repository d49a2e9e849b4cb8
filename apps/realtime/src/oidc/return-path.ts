const MAX_CHARS = 2_000;

/**
 * The view of the page that a user returns to after signing in: `/` with a query. Anything else is replaced by `/`, so that no
 * link to this service leads to another site.
 */
export function toReturnPath(text: unknown): string {
  if (typeof text !== 'string' || text.length > MAX_CHARS || !text.startsWith('/?')) return '/';
  const { search } = new URL(text, 'http://page.invalid');
  return `/${search}`;
}
