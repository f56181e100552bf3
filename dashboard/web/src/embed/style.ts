/**
 * The style of every element. A style sheet made by the program is no inline style: it stands under a policy that allows
 * none. Letters are those of the page around; colours can be set by attributes, or by `--sanak-ink` and its like.
 */
const CSS = `
:host { display: block; min-width: 17.5rem; contain: layout style; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; margin: 0; padding: 0; }
.root { --ink-0: #15191d; --accent-0: #4b3fd1; --sim: #fff1c9; --sim-ink: #5c4300; --warn: #fdeee6; --warn-ink: #8a3208; }
.root[data-theme='dark'] { --ink-0: #eef1f3; --accent-0: #a79eff; --sim: #4a3a0c; --sim-ink: #ffe6a0; --warn: #46220f; --warn-ink: #ffc9ab; }
.root {
  --i: var(--ink, var(--sanak-ink, var(--ink-0)));
  --a: var(--accent, var(--sanak-accent, var(--accent-0)));
  --quiet: color-mix(in srgb, var(--i) 72%, transparent);
  --hair: color-mix(in srgb, var(--i) 16%, transparent);
  --track: color-mix(in srgb, var(--i) 8%, transparent);
  color: var(--i); background: var(--ground, var(--sanak-ground, transparent));
  font: inherit; line-height: 1.4; text-align: start; overflow-wrap: anywhere;
}
h3 { font-size: 1.0625em; font-weight: 600; line-height: 1.25; }
.marks { display: flex; flex-wrap: wrap; gap: 0.125rem 0.625rem; margin-block: 0.25rem 0.5rem; font-size: 0.8125em; color: var(--quiet); }
.marks b { padding: 0 0.5rem; border-radius: 1rem; background: var(--sim); color: var(--sim-ink); font-weight: 600; }
.notice { padding: 0.375rem 0.625rem; margin-block-end: 0.5rem; background: var(--warn); color: var(--warn-ink); font-size: 0.875em; }
.notice.calm { background: var(--track); color: var(--quiet); }
.skeleton { height: 14rem; border-radius: 0.25rem; background: var(--track); }
.tnum, .num { font-variant-numeric: tabular-nums; }
.lead, .fine, .message { color: var(--quiet); }
.lead { margin-block-end: 0.5rem; }
.fine { margin-block-start: 0.5rem; font-size: 0.8125em; }
.message { padding-block: 0.75rem; }
.big { font-size: 2.25em; font-weight: 600; line-height: 1.15; letter-spacing: -0.01em; }
table { width: 100%; border-collapse: collapse; font-size: inherit; }
th { text-align: start; font-weight: 500; }
thead th { font-size: 0.8125em; color: var(--quiet); font-weight: 400; vertical-align: bottom; }
th.num, td.num { text-align: end; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--hair); }
tbody th, td { padding-block: 0.375rem; vertical-align: top; }
th + th, td { padding-inline-start: 0.75rem; }
tbody th { width: 100%; min-width: 8rem; }
details tbody th { width: auto; }
details tbody td { overflow-wrap: normal; }
.strong { font-weight: 600; }
.bar { display: block; width: 100%; height: 0.375rem; margin-block-start: 0.25rem; }
.track { fill: var(--track); }
.value { fill: var(--a); }
.threshold { stroke: var(--i); stroke-width: 1; stroke-dasharray: 2 1; }
.root > .body > div > .bar { height: 0.5rem; margin-block: 0.375rem; }
dl { margin-block-start: 0.5rem; border-top: 1px solid var(--hair); padding-block-start: 0.375rem; color: var(--quiet); }
dl div { display: flex; justify-content: space-between; gap: 1rem; }
details { margin-block-start: 0.25rem; border-top: 1px solid var(--hair); }
summary { padding-block: 0.375rem; color: var(--quiet); cursor: pointer; font-size: 0.875em; }
details > table { display: block; overflow-x: auto; }
.curve { display: block; width: 100%; height: 200px; margin-block-start: 0.75rem; overflow: visible; }
.curve[hidden] { display: none; }
.curve text { font-size: 13px; fill: var(--quiet); }
.curve .grid { stroke: var(--hair); }
.curve .line { fill: none; stroke: var(--i); stroke-width: 2.25; stroke-linejoin: round; }
.curve .target { stroke: var(--quiet); stroke-dasharray: 5 4; fill: var(--quiet); }
.map { display: block; width: 100%; max-height: 36rem; outline-offset: 2px; }
.map path[data-unit] { stroke-width: 1.25; stroke-linejoin: round; cursor: pointer; }
.map path.chosen { stroke: var(--i); stroke-width: 3; }
.water { pointer-events: none; }
.readout { min-height: 2.8em; padding-block: 0.25rem; font-size: 0.9375em; }
.legend { display: flex; flex-wrap: wrap; gap: 0.125rem 0.75rem; list-style: none; font-size: 0.8125em; color: var(--quiet); margin-block-end: 0.5rem; }
.legend li { display: flex; align-items: center; gap: 0.3125rem; }
.chip { flex: none; width: 0.6875rem; height: 0.6875rem; }
footer { display: flex; align-items: center; justify-content: space-between; gap: 0.75rem; margin-block-start: 0.625rem; padding-block-start: 0.375rem; border-top: 1px solid var(--hair); font-size: 0.8125em; color: var(--quiet); }
footer a { color: inherit; text-decoration: underline; text-underline-offset: 0.15em; }
a:hover, summary:hover { color: var(--a); }
.pause { flex: none; display: grid; place-items: center; width: 2rem; height: 2rem; border: 0; border-radius: 50%; background: none; color: inherit; cursor: pointer; }
.pause:hover { background: var(--track); }
.pause[aria-pressed='true'] { background: var(--i); color: var(--sanak-page, Canvas); }
.pause svg { width: 1.125rem; fill: none; stroke: currentcolor; stroke-width: 1.7; stroke-linecap: round; }
:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none; }
@media print { .pause { display: none; } }
`;

let made: CSSStyleSheet[] | null = null;

/** One sheet for all elements of a page. */
export function sheets(): CSSStyleSheet[] {
  if (!made) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
    made = [sheet];
  }
  return made;
}
