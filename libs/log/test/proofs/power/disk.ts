import * as path from 'node:path';
import {
  replaceFileOn,
  type FileSystem,
  type LogFile,
} from '../../../src/broker/storage/files/file-system.js';
import type { Random } from '@hailstream/service/testing';

/** The bytes of a file, or the names of a folder. A name can be removed while the file is open. */
type Node = FileNode | FolderNode;

interface FileNode {
  readonly kind: 'file';
  bytes: Buffer;
}

interface FolderNode {
  readonly kind: 'folder';
  readonly names: Map<string, Node>;
}

/** The operations of the disk in order. */
type Operation =
  | { readonly kind: 'write'; readonly file: FileNode; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly file: FileNode; readonly sizeBytes: number }
  /** `covers`: the number of operations before the sync began. */
  | { readonly kind: 'sync'; readonly node: Node; readonly covers: number }
  /** Names that are added (with their targets) or removed (undefined), atomically. */
  | {
      readonly kind: 'names';
      readonly folder: FolderNode;
      readonly changes: readonly (readonly [string, Node | undefined])[];
    };

/**
 * An in-memory disk that can lose its power. Data that no sync has covered is then present, missing or partial, for
 * each file and each name independently. It guarantees no more than POSIX: the name of a new file is durable only
 * after its folder was synced.
 */
export class Disk implements FileSystem {
  private readonly operations: Operation[] = [];
  /** The durable contents at the start. */
  private readonly initial: Initial;
  openFiles = 0;

  /** @param order decides in which order concurrent calls finish */
  constructor(
    private readonly order: Random,
    private readonly root: FolderNode = { kind: 'folder', names: new Map() },
  ) {
    this.initial = new Map();
    remember(root, this.initial);
  }

  /** The number of operations so far, which identifies a moment. */
  get moment(): number {
    return this.operations.length;
  }

  /** A possible state of the disk after a power failure at a moment. */
  cutAt(moment: number, random: Random): Disk {
    const root = survivors(this.initial, this.operations.slice(0, moment), this.root, random);
    return new Disk(this.order, root);
  }

  /** The paths of all files and folders. */
  everything(): string[] {
    const walk = (node: Node, at: string): string[] =>
      node.kind === 'file'
        ? [at]
        : [at, ...[...node.names].flatMap(([name, child]) => walk(child, path.posix.join(at, name)))];
    return walk(this.root, '/');
  }

  async open(file: string, { existing } = { existing: false }): Promise<LogFile> {
    const { folder, name } = this.parentOf(file);
    let node = folder.names.get(name);
    if (node === undefined) {
      if (existing) throw systemError('ENOENT', file);
      node = { kind: 'file', bytes: Buffer.alloc(0) };
      this.change(folder, [[name, node]]);
    }
    if (node.kind !== 'file') throw systemError('EISDIR', file);
    this.openFiles++;
    return this.handleOf(node);
  }

  async readFile(file: string): Promise<Buffer | undefined> {
    const node = this.nodeAt(file);
    return node?.kind === 'file' ? Buffer.from(node.bytes) : undefined;
  }

  async replaceFile(file: string, contents: Buffer | string): Promise<void> {
    await replaceFileOn(this, file, contents);
  }

  async list(folder: string): Promise<string[]> {
    const node = this.nodeAt(folder);
    return node?.kind === 'folder' ? [...node.names.keys()] : [];
  }

  async makeFolder(folder: string): Promise<void> {
    let at = this.root;
    for (const name of partsOf(folder)) {
      let next = at.names.get(name);
      if (next === undefined) {
        next = { kind: 'folder', names: new Map() };
        this.change(at, [[name, next]]);
      }
      if (next.kind !== 'folder') throw systemError('ENOTDIR', folder);
      at = next;
    }
  }

  async remove(target: string): Promise<void> {
    const node = this.nodeAt(target);
    if (node === undefined) return;
    if (node.kind === 'folder') throw systemError('EISDIR', target);
    const { folder, name } = this.parentOf(target);
    this.change(folder, [[name, undefined]]);
  }

  async removeFolder(target: string): Promise<boolean> {
    const node = this.nodeAt(target);
    if (node === undefined) return true;
    if (node.kind === 'file') throw systemError('ENOTDIR', target);
    if (node.names.size > 0) return false;
    const { folder, name } = this.parentOf(target);
    this.change(folder, [[name, undefined]]);
    return true;
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.parentOf(from);
    const target = this.parentOf(to);
    const node = source.folder.names.get(source.name);
    if (node === undefined) throw systemError('ENOENT', from);
    if (source.folder !== target.folder) throw new Error('renaming between folders is not supported');
    this.change(source.folder, [
      [source.name, undefined],
      [target.name, node],
    ]);
  }

  async syncFolder(folder: string): Promise<void> {
    const node = this.nodeAt(folder);
    if (node === undefined) throw systemError('ENOENT', folder);
    await this.sync(node);
  }

  async volume(): Promise<{ totalBytes: bigint; usableBytes: bigint }> {
    return { totalBytes: 1n << 40n, usableBytes: 1n << 40n };
  }

  private handleOf(file: FileNode): LogFile {
    let open = true;
    const expectOpen = () => {
      if (!open) throw systemError('EBADF', 'the file is closed');
    };
    return {
      write: async (buffers, position) => {
        expectOpen();
        const bytes = Buffer.concat(buffers);
        await this.takeTime();
        this.apply({ kind: 'write', file, position, bytes });
      },
      read: async (buffer, position) => {
        expectOpen();
        await this.takeTime();
        return file.bytes.copy(buffer, 0, Math.min(position, file.bytes.length));
      },
      sizeBytes: async () => {
        expectOpen();
        return file.bytes.length;
      },
      truncate: async (sizeBytes) => {
        expectOpen();
        this.apply({ kind: 'truncate', file, sizeBytes });
      },
      sync: async () => {
        expectOpen();
        await this.sync(file);
      },
      close: async () => {
        expectOpen();
        open = false;
        this.openFiles--;
      },
    };
  }

  private async sync(node: Node): Promise<void> {
    const covers = this.moment;
    await this.takeTime();
    this.operations.push({ kind: 'sync', node, covers });
  }

  private async takeTime(): Promise<void> {
    for (let turns = this.order.below(MOST_TURNS); turns > 0; turns--) await Promise.resolve();
  }

  private change(folder: FolderNode, changes: readonly (readonly [string, Node | undefined])[]): void {
    this.apply({ kind: 'names', folder, changes });
  }

  private apply(operation: Operation): void {
    this.operations.push(operation);
    perform(operation, (node) => node);
  }

  private nodeAt(target: string): Node | undefined {
    let at: Node | undefined = this.root;
    for (const name of partsOf(target)) at = at?.kind === 'folder' ? at.names.get(name) : undefined;
    return at;
  }

  private parentOf(target: string): { folder: FolderNode; name: string } {
    const folder = this.nodeAt(path.posix.dirname(target));
    if (folder?.kind !== 'folder') throw systemError('ENOENT', target);
    return { folder, name: path.posix.basename(target) };
  }
}

/** How far concurrent calls can be reordered. */
const MOST_TURNS = 8;

/** The bytes of each file and the names of each folder. */
type Initial = Map<Node, Buffer | readonly (readonly [string, Node])[]>;

function remember(node: Node, initial: Initial): void {
  if (node.kind === 'file') {
    initial.set(node, node.bytes);
    return;
  }
  initial.set(node, [...node.names]);
  for (const child of node.names.values()) remember(child, initial);
}

/** An error as system calls return it. */
function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

function partsOf(target: string): string[] {
  return target.split('/').filter((part) => part !== '');
}

/** Applies an operation to the corresponding nodes that `twin` returns. */
function perform(operation: Operation, twin: <T extends Node>(node: T) => T): void {
  switch (operation.kind) {
    case 'write': {
      const file = twin(operation.file);
      const end = operation.position + operation.bytes.length;
      if (operation.bytes.length === 0) return;
      // Buffers that were returned before are not modified.
      const bytes = Buffer.alloc(Math.max(end, file.bytes.length));
      file.bytes.copy(bytes);
      operation.bytes.copy(bytes, operation.position);
      file.bytes = bytes;
      return;
    }
    case 'truncate': {
      const file = twin(operation.file);
      const bytes = Buffer.alloc(operation.sizeBytes);
      file.bytes.copy(bytes);
      file.bytes = bytes;
      return;
    }
    case 'names': {
      const folder = twin(operation.folder);
      for (const [name, node] of operation.changes) {
        if (node === undefined) folder.names.delete(name);
        else folder.names.set(name, twin(node));
      }
      return;
    }
    case 'sync':
      return;
  }
}

/** The remaining contents of a disk after operations that followed a durable state. */
function survivors(
  initial: Initial,
  operations: readonly Operation[],
  root: FolderNode,
  random: Random,
): FolderNode {
  const safeBefore = new Map<Node, number>();
  for (const operation of operations) {
    if (operation.kind !== 'sync') continue;
    const { node, covers } = operation;
    safeBefore.set(node, Math.max(safeBefore.get(node) ?? 0, covers));
  }
  const twins = new Map<Node, Node>();
  const twin = <T extends Node>(node: T): T => {
    const known = twins.get(node) ?? emptyTwin(node);
    twins.set(node, known);
    return known as T;
  };
  for (const [node, state] of initial) {
    const known = twin(node);
    if (known.kind === 'file') known.bytes = state as Buffer;
    else for (const [name, child] of state as [string, Node][]) known.names.set(name, twin(child));
  }
  // Some failures lose nearly everything, others nearly nothing.
  const retainedShare = random.pick([0, 0.1, 0.5, 0.9, 1]);
  for (const [i, operation] of operations.entries()) {
    if (operation.kind === 'sync') continue;
    const safe = i < (safeBefore.get(operation.kind === 'names' ? operation.folder : operation.file) ?? 0);
    if (safe) perform(operation, twin);
    else performPerhaps(operation, twin, retainedShare, random);
  }
  return twin(root);
}

function emptyTwin(node: Node): Node {
  return node.kind === 'file'
    ? { kind: 'file', bytes: Buffer.alloc(0) }
    : { kind: 'folder', names: new Map() };
}

/** An operation that no sync has covered. */
function performPerhaps(
  operation: Operation,
  twin: <T extends Node>(node: T) => T,
  kept: number,
  random: Random,
): void {
  if (operation.kind !== 'write') {
    if (random.chance(kept)) perform(operation, twin);
    return;
  }
  const { bytes } = operation;
  if (random.chance(kept)) {
    perform(operation, twin);
    return;
  }
  switch (random.pick(['nothing', 'beginning', 'end', 'zeros'] as const)) {
    case 'nothing':
      return;
    case 'beginning':
      perform({ ...operation, bytes: bytes.subarray(0, random.below(bytes.length + 1)) }, twin);
      return;
    case 'end': {
      const from = random.below(bytes.length + 1);
      perform({ ...operation, position: operation.position + from, bytes: bytes.subarray(from) }, twin);
      return;
    }
    // The new size is durable, the bytes are not.
    case 'zeros':
      perform({ ...operation, bytes: Buffer.alloc(bytes.length) }, twin);
      return;
  }
}
