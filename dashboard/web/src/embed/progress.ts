import { share } from '../i18n/numbers';
import { h, s } from './dom';
import { HistoryCurve } from './history';
import type { Part } from './view';

/** How much has reported, and the curve of the night against the line it is measured by. */
export function progress(): Part {
  const curve = new HistoryCurve('reported', 300);
  const big = h('p', { class: 'big tnum' });
  const value = s('rect', { class: 'value', height: '100%' });
  const bar = s('svg', { class: 'bar', 'aria-hidden': 'true' }, s('rect', { class: 'track', width: '100%', height: '100%' }), value);
  const text = h('p', { class: 'tnum' });
  const voters = h('p', { class: 'fine tnum' });
  const root = h('div', {}, big, bar, text, voters, curve.root);
  return {
    root,
    heading: (view) => `${view.t.reported} · ${view.unitName(view.settings.unit)}`,
    update(view) {
      const { t, unit } = view;
      if (!unit) return;
      const { precincts, registered } = unit.reported;
      const percent = share(precincts, unit.precincts);
      big.textContent = view.pct(percent);
      value.setAttribute('width', `${percent ?? 0}%`);
      text.replaceChildren(`${t.reported}: `, h('b', { 'data-figure': 'reported' }, t.of(view.n(precincts), view.n(unit.precincts))));
      voters.textContent = t.voters(view.n(registered));
      curve.update(view, unit);
    },
    stop: () => curve.stop(),
  };
}
