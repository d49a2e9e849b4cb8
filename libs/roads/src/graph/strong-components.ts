/**
 * Marks the nodes of the largest strongly connected component. Kosaraju's algorithm, without recursion, so that long streets
 * do not overflow the stack.
 */
export function largestComponent(
  nodeCount: number,
  links: readonly { readonly from: number; readonly to: number }[],
): boolean[] {
  const forward: number[][] = Array.from({ length: nodeCount }, () => []);
  const backward: number[][] = Array.from({ length: nodeCount }, () => []);
  for (const { from, to } of links) {
    forward[from]!.push(to);
    backward[to]!.push(from);
  }
  const component = new Int32Array(nodeCount).fill(-1);
  let largest = { id: -1, size: 0 };
  for (const start of finishingOrder(forward).toReversed()) {
    if (component[start] !== -1) continue;
    const size = assignComponent(backward, component, start);
    if (size > largest.size) largest = { id: start, size };
  }
  return Array.from(component, (id) => id === largest.id);
}

/** Returns the nodes in the order in which a depth-first search finishes them. */
function finishingOrder(successors: readonly number[][]): number[] {
  const order: number[] = [];
  const isSeen = new Uint8Array(successors.length);
  for (const root of successors.keys()) {
    if (isSeen[root]) continue;
    isSeen[root] = 1;
    const path = [{ node: root, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const successor = successors[top.node]![top.next];
      top.next += 1;
      if (successor === undefined) {
        order.push(top.node);
        path.pop();
      } else if (!isSeen[successor]) {
        isSeen[successor] = 1;
        path.push({ node: successor, next: 0 });
      }
    }
  }
  return order;
}

/** Assigns the reachable nodes that have no component yet to the component of `start`. Returns their number. */
function assignComponent(successors: readonly number[][], component: Int32Array, start: number): number {
  const open = [start];
  let size = 0;
  component[start] = start;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    size += 1;
    for (const successor of successors[node]!) {
      if (component[successor] !== -1) continue;
      component[successor] = start;
      open.push(successor);
    }
  }
  return size;
}
