const TICKS = 4;

/** Values from 0 to at least `largest`, at steps of 1, 2 or 5 times a power of ten. */
export function ticksTo(largest: number): number[] {
  if (!(largest > 0)) return [0, 1];
  const rough = largest / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  const count = Math.ceil(largest / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)));
}

/** Which of some labels are shown, so that at most `most` of them are: every n-th from the first. */
export function shownLabels(count: number, most: number): (index: number) => boolean {
  const steps = [1, 2, 3, 4, 6, 7, 12, 24, 28];
  const step = steps.find((each) => Math.ceil(count / each) <= most) ?? Math.ceil(count / most);
  return (index) => index % step === 0;
}
