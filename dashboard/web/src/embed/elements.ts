import { define } from './element';
import { fitFrames, tellHeight } from './frame';

const origin = new URL(import.meta.url).origin;

define(origin, { tag: 'sanak-results', parts: false, load: async () => (await import('./results')).results });
define(origin, { tag: 'sanak-turnout', parts: false, load: async () => (await import('./turnout')).turnout });
define(origin, { tag: 'sanak-progress', parts: false, load: async () => (await import('./progress')).progress });
define(origin, { tag: 'sanak-map', parts: true, load: async () => (await import('./map')).map });
fitFrames(origin);
tellHeight();
