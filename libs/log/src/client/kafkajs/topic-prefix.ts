/** Adds and removes the `topicPrefix` of a connection: topics and groups have it in the cluster, callers leave it out. */
export class TopicPrefix {
  constructor(private readonly prefix = '') {}

  /** The name in the cluster of a topic or group. */
  add(name: string): string {
    return this.prefix + name;
  }

  /** The callers' name of a topic that was requested with the prefix. */
  remove(name: string): string {
    return name.slice(this.prefix.length);
  }
}
