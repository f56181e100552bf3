// Runs before the first paint. The tables for readers without script stand aside, and come back where the page's program
// cannot be loaded; a reader's chosen theme does not flash (src/app/theme.svelte.ts).
var page = document.documentElement;
page.classList.add('scripted');
addEventListener(
  'error',
  function (event) {
    if (event.target && event.target.tagName === 'SCRIPT') page.classList.remove('scripted');
  },
  true,
);
try {
  var theme = localStorage.getItem('sanak-theme');
  if (theme === 'light' || theme === 'dark') page.dataset.theme = theme;
} catch (error) {
  // Storage is forbidden: the system's theme stands.
}
