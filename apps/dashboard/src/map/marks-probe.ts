/** The name of the event that requests the drawn marks. */
const MARKS_PROBE = 'hailstream:marks';

/** The event's detail: empty when dispatched, filled in before `dispatchEvent` returns. */
interface MarksProbe {
  marks?: readonly { deviceId: string; providerId: string; lng: number; lat: number; x: number; y: number }[];
}

/**
 * Lets a browser test read the drawn marks, which a canvas does not expose. The test dispatches a
 * `CustomEvent('hailstream:marks', { detail: {} })` at the map's element and reads `detail.marks`. Returns a function
 * that removes the listener.
 */
export function answerMarksProbe(
  element: HTMLElement,
  drawnMarks: () => MarksProbe['marks'] & {},
): () => void {
  const answer = (event: Event) => {
    (event as CustomEvent<MarksProbe>).detail.marks = drawnMarks();
  };
  element.addEventListener(MARKS_PROBE, answer);
  return () => element.removeEventListener(MARKS_PROBE, answer);
}
