/** The address of the whole page that shows the same as an embedded one. */
export function fullPageOf({ pathname, search }: Pick<Location, 'pathname' | 'search'>): string {
  const query = new URLSearchParams(search);
  query.delete('embed');
  return query.size === 0 ? pathname : `${pathname}?${query}`;
}
