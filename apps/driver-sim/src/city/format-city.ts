import type { CityFile } from '@hailstream/events/city-file';

/** Formats a city as JSON with one road per line. */
export function formatCity(city: CityFile): string {
  const { features, ...about } = city;
  const head = JSON.stringify(about).slice(0, -1);
  return `${head},"features":[\n${features.map((road) => JSON.stringify(road)).join(',\n')}\n]}\n`;
}
