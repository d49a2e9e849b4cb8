const DAY_MS = 86_400_000;

/** Name of the index that an event belongs to. `timeMs` is the event's time. */
export function indexName(template: string, topic: string, timeMs: number): string {
  const [year = '', month = '', day = ''] = new Date(timeMs).toISOString().slice(0, 10).split('-');
  return template
    .replaceAll('{topic}', topic.toLowerCase())
    .replaceAll('{yyyy}', year)
    .replaceAll('{yyyy.MM}', `${year}.${month}`)
    .replaceAll('{yyyy.MM.dd}', `${year}.${month}.${day}`);
}

/** Names the indexes of a template. Most events that follow one another belong to the same one, so its name is kept. */
export class IndexNames {
  private last = { topic: '', day: Number.NaN, name: '' };

  constructor(private readonly template: string) {}

  nameOf(topic: string, timeMs: number): string {
    const day = Math.floor(timeMs / DAY_MS);
    if (this.last.day !== day || this.last.topic !== topic)
      this.last = { topic, day, name: indexName(this.template, topic, timeMs) };
    return this.last.name;
  }
}

/** Matches every index of a topic. */
export function indexPattern(template: string, topic: string): string {
  return template.replaceAll('{topic}', topic.toLowerCase()).replaceAll(/\{yyyy[^}]*\}/g, '*');
}
