// Runs before the first paint, so that the page never flashes in the wrong theme.
function apply(theme) {
  if (theme !== 'light' && theme !== 'dark') return false;
  document.documentElement.dataset.theme = theme;
  return true;
}
try {
  apply(new URLSearchParams(location.search).get('theme')) || apply(localStorage.getItem('hailstream.theme'));
} catch {
  // Storage may be disabled: the system's theme is used.
}
