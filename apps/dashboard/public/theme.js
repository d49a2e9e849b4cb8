// Before the first paint, so that a chosen theme never flashes through the system's one.
try {
  const theme = localStorage.getItem('hailstream.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; then the system's theme is used.
}
