import type { Contest, Unit } from '../feed/types';
import { share } from '../i18n/numbers';
import { standing, thresholdIn, type Row } from '../results/standing';
import { h, s } from './dom';
import type { Part, View } from './view';

/** The results of one contest in one unit: counts first, a bar each, the threshold, what has reported. */
export function results(): Part {
  const root = h('div', {});
  const lead = h('p', { class: 'lead tnum' });
  const [above, below] = [h('tbody', {}), h('tbody', {})];
  const head = h('thead', {});
  const table = h('table', {}, head, above);
  const summary = h('summary', { class: 'tnum' });
  const rest = h('details', {}, summary, h('table', {}, below));
  const sums = h('dl', { class: 'tnum' });
  const note = h('p', { class: 'fine' });
  const message = h('p', { class: 'message' });
  return {
    root,
    heading: (view) => {
      const group = view.group;
      const contest = view.contestIn(group, view.unit);
      return [view.unitName(view.settings.unit), contest ? view.name(contest.name) : group ? view.groupName(group) : ''].filter(Boolean).join(' · ');
    },
    update(view) {
      const { t, unit, group } = view;
      const contest = view.contestIn(group, unit);
      if (!unit || !contest) {
        message.textContent = group?.national === null && unit?.kind === 'country' ? t.chooseDistrict : t.notHere;
        root.replaceChildren(message);
        return;
      }
      const stands = standing(contest, unit.contests[contest.id], view.settings.source, thresholdIn(contest, unit));
      lead.textContent = progressText(view, unit, contest);
      if (stands.kind !== 'counted') {
        const from = view.summary.embargo_until ?? view.definition.publish_votes_from;
        message.textContent = stands.kind === 'embargoed' ? t.embargo(view.clock(from)) : t.nothing;
        root.replaceChildren(lead, message);
        return;
      }
      const heads = [t.option, t.votes, t.share].map((text, at) => h('th', { scope: 'col', class: at > 0 ? 'num' : '' }, text));
      head.replaceChildren(h('tr', {}, ...heads));
      const full = fullWidth(stands.rows);
      const rowOf = (row: Row) => optionRow(view, contest, row, full, stands.threshold?.percent ?? null);
      const under = stands.rows.filter((row) => row.belowThreshold);
      above.replaceChildren(...stands.rows.filter((row) => !row.belowThreshold).map(rowOf));
      below.replaceChildren(...under.map(rowOf));
      summary.textContent = t.below(view.n(under.length), view.pct(stands.threshold?.percent ?? null));
      sums.replaceChildren(
        h('div', {}, h('dt', {}, t.ballots), h('dd', { 'data-figure': 'ballots' }, view.n(stands.ballots))),
        h('div', {}, h('dt', {}, t.invalid), h('dd', { 'data-figure': 'invalid' }, view.n(stands.invalid))),
      );
      note.textContent = view.settings.source === 'urns' ? t.urns : t.protocols;
      root.replaceChildren(lead, table, ...(under.length > 0 ? [rest] : []), sums, note);
    },
  };
}

function progressText(view: View, unit: Unit, contest: Contest): string {
  const count = unit.contests[contest.id];
  const byHand = view.election.unit(unit.id)?.by_hand ?? 0;
  const urns = view.settings.source === 'urns';
  const [done, all] = [count?.[view.settings.source].precincts ?? 0, Math.max(0, (count?.precincts ?? 0) - (urns ? byHand : 0))];
  return `${view.t.reported}: ${view.t.of(view.n(done), view.n(all))} · ${view.pct(share(done, all))}`;
}

/** What the full width of a bar stands for: steps of ten points, so that bars do not breathe with every report. */
function fullWidth(rows: Row[]): number {
  const most = Math.max(0, ...rows.map(({ percent }) => percent ?? 0));
  return Math.max(20, Math.ceil((most + 2) / 10) * 10);
}

function optionRow(view: View, contest: Contest, { option, votes, percent }: Row, full: number, threshold: number | null): HTMLElement {
  const x = (value: number) => `${Math.min(100, (100 * value) / full)}%`;
  const bar = s(
    'svg',
    { class: 'bar', 'aria-hidden': 'true' },
    s('rect', { class: 'track', width: '100%', height: '100%' }),
    s('rect', { width: x(percent ?? 0), height: '100%', fill: view.colour(contest, option.id) }),
  );
  if (threshold !== null && option.kind !== 'against_all') bar.append(s('line', { class: 'threshold', x1: x(threshold), x2: x(threshold), y1: 0, y2: '100%' }));
  const name = h('span', { class: 'name' }, view.name(option.name));
  if (option.status === 'withdrawn') name.append(` (${view.t.withdrawn})`);
  return h(
    'tr',
    { 'data-option': option.id },
    h('th', { scope: 'row' }, name, bar),
    h('td', { class: 'num strong', 'data-figure': 'votes' }, view.n(votes)),
    h('td', { class: 'num' }, view.pct(percent, threshold)),
  );
}
