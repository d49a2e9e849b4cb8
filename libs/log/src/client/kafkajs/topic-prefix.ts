/**
 * Topics and consumer groups as the cluster names them. Callers of this library use short names; a cluster that is
 * shared may want all of ours to begin with the same prefix, as its access rules do.
 */
export class LogNames {
  constructor(private readonly prefix = '') {}

  /** The cluster's name of a topic or group. */
  inCluster(name: string): string {
    return this.prefix + name;
  }

  /** Our name of a topic that the cluster told us about. It told us because we had asked, so it has the prefix. */
  ours(name: string): string {
    return name.slice(this.prefix.length);
  }
}
