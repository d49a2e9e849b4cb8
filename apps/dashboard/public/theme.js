// Runs before the first paint, so that the page never flashes in the wrong theme.
const isTheme = (theme) => theme === 'light' || theme === 'dark';
try {
  const ofAddress = new URLSearchParams(location.search).get('theme');
  const theme = isTheme(ofAddress) ? ofAddress : localStorage.getItem('hailstream.theme');
  if (isTheme(theme)) document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be disabled: the system's theme is used.
}
