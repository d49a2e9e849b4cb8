/** The name of the event that asks what is drawn. */
export const MARKS_PROBE = 'hailstream:marks';

/** What is asked for: left empty by whoever asks, filled in before `dispatchEvent` returns. */
export interface MarksProbe {
  marks?: readonly { deviceId: string; providerId: string; lng: number; lat: number; x: number; y: number }[];
}

/**
 * Lets a browser test see what is drawn, where the picture itself can't be read: it dispatches a
 * `CustomEvent('hailstream:marks', { detail: {} })` at the map's element and finds `detail.marks`. Costs nothing
 * while nobody asks. Returns a function that ends it.
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
