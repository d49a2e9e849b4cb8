/** Name of the index that an event belongs to. `timeMs` is the event's time. */
export function indexName(template: string, topic: string, timeMs: number): string {
  const [year = '', month = '', day = ''] = new Date(timeMs).toISOString().slice(0, 10).split('-');
  return template
    .replaceAll('{topic}', topic.toLowerCase())
    .replaceAll('{yyyy}', year)
    .replaceAll('{yyyy.MM}', `${year}.${month}`)
    .replaceAll('{yyyy.MM.dd}', `${year}.${month}.${day}`);
}

/** Matches every index of a topic. */
export function indexPattern(template: string, topic: string): string {
  return template.replaceAll('{topic}', topic.toLowerCase()).replaceAll(/\{yyyy[^}]*\}/g, '*');
}
