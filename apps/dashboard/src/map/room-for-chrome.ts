/** The pixels covered by the bar and by the panel, if it is open. */
export function roomForChrome() {
  const gap = 28;
  const covered = (selector: string) => {
    const box = document.querySelector(selector)?.getBoundingClientRect();
    return box !== undefined && box.height > 0 ? box : undefined;
  };
  const bar = covered('.bar');
  const panel = covered('.panel') ?? covered('.sheet');
  const card = covered('.card');
  // On narrow windows both are at the bottom instead of at the sides.
  const isBeside = (box: DOMRect | undefined) => box !== undefined && box.width < innerWidth / 2;
  const timeline = covered('.timeline');
  const sheet = [panel, card].find((box) => box !== undefined && !isBeside(box));
  return {
    top: (bar?.bottom ?? 0) + gap,
    left: (isBeside(panel) ? panel!.right : 0) + gap,
    right: (isBeside(card) ? innerWidth - card!.left : 0) + gap,
    bottom: Math.max(12, ...[sheet, timeline].map((box) => (box ? innerHeight - box.top : 0))) + gap,
  };
}
