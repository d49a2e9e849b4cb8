import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import type { Member } from './membership/member.js';
import type { JoinRequest, SyncRequest } from './membership/requests.js';
import { MemoryBudget } from './memory-budget.js';
import { bytesOfOffset, type OffsetToCommit } from './offsets/offset-store.js';

/** Maximum length of the id of a group or a member, in bytes. */
const MAX_ID_BYTES = 1_024;
/** Maximum number of assignment protocols of a member. */
const MAX_PROTOCOLS = 100;
/** Maximum bytes of the protocols and their metadata of a member. */
const MAX_MEMBER_BYTES = 1 << 20;
/** Maximum bytes of the assignments of a group. */
const MAX_ASSIGNMENT_BYTES = 16 << 20;
/** Maximum bytes of the members of all groups. */
const MAX_MEMBERS_BYTES = 256 << 20;
/** Maximum bytes of the committed offsets of all groups. */
const MAX_OFFSETS_BYTES = 256 << 20;
/** Memory of a member besides its strings and buffers. */
const MEMBER_OVERHEAD_BYTES = 512;

/** Limits the memory that groups use, whatever clients send. */
export class GroupLimits {
  private readonly members: MemoryBudget;
  private readonly offsets: MemoryBudget;

  constructor(inUse: { readonly members: () => Iterable<Member>; readonly offsetBytes: () => number }) {
    this.members = new MemoryBudget(MAX_MEMBERS_BYTES, () => {
      let sum = 0;
      for (const member of inUse.members()) sum += bytesOfMember(member);
      return sum;
    });
    this.offsets = new MemoryBudget(MAX_OFFSETS_BYTES, inUse.offsetBytes);
  }

  /** @throws ProtocolError if the member is too large, or the members of all groups are */
  admitMember(request: JoinRequest): void {
    checkIdLength(request.memberId);
    checkIdLength(request.groupInstanceId ?? '');
    const bytes = bytesOfMember(request);
    if (request.protocols.length > MAX_PROTOCOLS || bytes > MAX_MEMBER_BYTES) {
      throw new ProtocolError(
        ErrorCode.INVALID_REQUEST,
        `a member may have ${MAX_PROTOCOLS} protocols and ${MAX_MEMBER_BYTES} bytes of metadata`,
      );
    }
    if (!this.members.reserve(bytes)) throw tooLarge('members of all groups', MAX_MEMBERS_BYTES);
  }

  /** @throws ProtocolError if the assignments are too large, or the members of all groups are */
  admitAssignments(assignments: SyncRequest['assignments']): void {
    const bytes = assignments.reduce((sum, { assignment }) => sum + assignment.length, 0);
    if (bytes > MAX_ASSIGNMENT_BYTES) throw tooLarge('assignments of a group', MAX_ASSIGNMENT_BYTES);
    if (!this.members.reserve(bytes)) throw tooLarge('members of all groups', MAX_MEMBERS_BYTES);
  }

  /** Offsets that replace others of the same size are always admitted. @throws ProtocolError if all offsets are too large */
  admitOffsets(offsets: readonly OffsetToCommit[], committedBytes: (offset: OffsetToCommit) => number): void {
    const bytes = offsets.reduce(
      (sum, offset) => sum + Math.max(0, bytesOfOffset(offset) - committedBytes(offset)),
      0,
    );
    if (bytes > 0 && !this.offsets.reserve(bytes)) {
      throw tooLarge('committed offsets of all groups', MAX_OFFSETS_BYTES);
    }
  }
}

/** @throws ProtocolError `INVALID_GROUP_ID` if the id is too long */
export function checkIdLength(id: string): void {
  if (id.length <= MAX_ID_BYTES && Buffer.byteLength(id) <= MAX_ID_BYTES) return;
  throw new ProtocolError(ErrorCode.INVALID_GROUP_ID, `an id must not be longer than ${MAX_ID_BYTES} bytes`);
}

function bytesOfMember(
  member: Pick<Member, 'clientId' | 'memberId' | 'protocols'> & { readonly assignment?: Buffer },
): number {
  const { clientId, memberId, protocols, assignment } = member;
  return protocols.reduce(
    (sum, { name, metadata }) => sum + name.length + metadata.length,
    MEMBER_OVERHEAD_BYTES + clientId.length + memberId.length + (assignment?.length ?? 0),
  );
}

function tooLarge(what: string, maxBytes: number): ProtocolError {
  return new ProtocolError(ErrorCode.POLICY_VIOLATION, `${what} have reached the limit of ${maxBytes} bytes`);
}
