import { ANY_PRINCIPAL, ANY_RESOURCE, CLUSTER, type Acl, type Operation, type ResourceType } from './acl.js';

/** What a principal may do. */
export interface Access {
  may(operation: Operation, type: ResourceType, name: string): boolean;
  mayCluster(operation: Operation): boolean;
  /** Whether there is any resource of the type that the principal may do this with. */
  mayAny(operation: Operation, type: ResourceType): boolean;
}

/** Decides by ACLs what principals may do. What no ACL allows is denied. */
export class Authorizer {
  private readonly byPrincipal = new Map<string, Acl[]>();
  private readonly known = new Map<string, Access>();

  /** @param superUsers principals that may do everything, e.g. `User:admin` */
  constructor(
    acls: readonly Acl[],
    private readonly superUsers: ReadonlySet<string>,
  ) {
    for (const acl of acls) {
      const own = this.byPrincipal.get(acl.principal) ?? [];
      this.byPrincipal.set(acl.principal, [...own, acl]);
    }
  }

  accessOf(principal: string): Access {
    const named =
      this.superUsers.has(principal) || this.byPrincipal.has(principal) ? principal : ANY_PRINCIPAL;
    const access = this.known.get(named) ?? this.makeAccess(named);
    this.known.set(named, access);
    return access;
  }

  private makeAccess(principal: string): Access {
    if (this.superUsers.has(principal)) return EVERYTHING;
    const forAll = this.byPrincipal.get(ANY_PRINCIPAL) ?? [];
    const own = principal === ANY_PRINCIPAL ? [] : (this.byPrincipal.get(principal) ?? []);
    return new AclAccess([...own, ...forAll]);
  }
}

const EVERYTHING: Access = { may: () => true, mayCluster: () => true, mayAny: () => true };

class AclAccess implements Access {
  constructor(private readonly acls: readonly Acl[]) {}

  may(operation: Operation, type: ResourceType, name: string): boolean {
    return this.acls.some(
      (acl) => acl.resourceType === type && acl.operations.has(operation) && matches(acl, name),
    );
  }

  mayCluster(operation: Operation): boolean {
    return this.may(operation, 'cluster', CLUSTER);
  }

  mayAny(operation: Operation, type: ResourceType): boolean {
    return this.acls.some((acl) => acl.resourceType === type && acl.operations.has(operation));
  }
}

function matches({ resourceName, pattern }: Acl, name: string): boolean {
  if (pattern === 'prefixed') return name.startsWith(resourceName);
  return resourceName === name || resourceName === ANY_RESOURCE;
}
