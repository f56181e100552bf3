import { share } from '../i18n/numbers';
import { h } from './dom';
import { HistoryCurve } from './history';
import type { Part } from './view';

/** Who has been identified so far, of how many, and the day's curve. */
export function turnout(): Part {
  const curve = new HistoryCurve('turnout', 1800);
  const big = h('p', { class: 'big tnum' });
  const text = h('p', { class: 'tnum' });
  const from = h('p', { class: 'fine tnum' });
  const root = h('div', {}, big, text, from, curve.root);
  return {
    root,
    heading: (view) => `${view.t.turnout} · ${view.unitName(view.settings.unit)}`,
    update(view) {
      const { t, unit } = view;
      if (!unit) return;
      const { identified, registered, precincts } = unit.turnout;
      big.textContent = view.pct(share(identified, registered));
      text.replaceChildren(`${t.identified}: `, h('b', { 'data-figure': 'identified' }, view.n(identified)), ` ${t.ofVoters(view.n(registered))}`);
      from.textContent = precincts > 0 ? t.from(view.n(precincts), view.n(unit.precincts)) : t.noTurnout;
      curve.update(view, unit);
    },
    stop: () => curve.stop(),
  };
}
