// Runs before the first paint, so that a reader's chosen theme does not flash. See src/app/theme.svelte.ts.
try {
  var theme = localStorage.getItem('sanak-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch (error) {
  // Storage is forbidden: the system's theme stands.
}
