/** Whether this browser can draw the map at all. Not for free: asked only once something went wrong. */
export function hasWebGl(): boolean {
  const context = document.createElement('canvas').getContext('webgl2');
  // Browsers have a few contexts to give; the map needs them.
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
