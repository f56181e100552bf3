import { independent } from '../election/election';
import type { Contest, Unit } from '../feed/types';
import { share } from '../i18n/numbers';
import { mix } from '../map/colour';
import { DARK, LIGHT, type Theme } from '../map/ground';
import { INDEPENDENTS, REPORTED_BREAKS, shade, TURNOUT_BREAKS, type Mode } from '../map/shade';
import { leading, reportedOf } from '../results/standing';
import { h, s } from './dom';
import { once } from './poll';
import type { Part, View } from './view';

/** Outlines of a layer, made for small maps by the server. */
interface Shapes {
  width: number;
  height: number;
  areas: Record<string, string>;
  water: string;
}

const LAYERS: Record<string, string> = { region: 'regions', raion: 'raions', district: 'districts' };
const MARGIN = 12;
/** Told apart within one document: a pattern is found by its id in its own shadow tree, but not in every browser. */
let hatches = 0;

/** A map in colours of who leads, what has reported or turnout; beneath it the same as a table. */
export function map(): Part {
  const hatch = `sanak-hatch-${(hatches += 1)}`;
  const pattern = s('path', { d: 'M0 8 8 0', 'stroke-width': 1 });
  const water = s('path', { class: 'water' });
  const areas = s('g', {});
  const svg = s(
    'svg',
    { class: 'map', tabindex: 0, role: 'img' },
    s('defs', {}, s('pattern', { id: hatch, width: 8, height: 8, patternUnits: 'userSpaceOnUse' }, pattern)),
    areas,
    water,
  );
  const readout = h('p', { class: 'readout tnum', 'aria-live': 'polite' });
  const legend = h('ul', { class: 'legend tnum' });
  const body = h('tbody', {});
  const head = h('thead', {});
  const summary = h('summary', {});
  const fine = h('p', { class: 'fine' });
  const root = h('div', {}, svg, readout, legend, h('details', {}, summary, h('table', {}, head, body)), fine);
  const paths = new Map<string, SVGPathElement>();
  let drawn = '';
  let chosen: string | null = null;
  let view: View | null = null;

  const tell = () => {
    for (const [id, path] of paths) path.classList.toggle('chosen', id === chosen);
    // Drawn last, over its neighbours' outlines.
    const path = chosen === null ? null : paths.get(chosen);
    if (path) areas.append(path);
    readout.textContent = view && chosen ? textOf(view, chosen) : '';
  };
  const choose = (id: string | null) => {
    chosen = id;
    tell();
  };
  svg.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const ids = [...paths.keys()].sort();
    if (event.key === 'Escape') choose(null);
    if (step === undefined || ids.length === 0) return;
    event.preventDefault();
    const at = chosen === null ? (step > 0 ? -1 : 0) : ids.indexOf(chosen);
    choose(ids[(at + step + ids.length) % ids.length] ?? null);
  });
  svg.addEventListener('pointerleave', () => choose(null));

  async function outline(now: View, layer: string, parts: Unit[]): Promise<void> {
    const shapes = await once<Shapes>(`${now.base}/shapes/${layer}.json`);
    paths.clear();
    for (const { id } of parts) {
      const d = shapes.areas[id];
      if (!d) continue;
      const path = s('path', { d, 'data-unit': id });
      path.addEventListener('pointerenter', () => choose(id));
      path.addEventListener('click', () => choose(id));
      paths.set(id, path);
    }
    areas.replaceChildren(...paths.values());
    water.setAttribute('d', shapes.water);
    fit(svg, [...paths.values()], shapes);
  }

  function paint(now: View): void {
    const ground = now.dark ? DARK : LIGHT;
    const group = now.group;
    const context = {
      mode: modeOf(now),
      source: now.settings.source,
      ground,
      filter: null,
      contestOf: (unit: Unit) => now.contestIn(group, unit),
      colourOf: (contest: Contest, option: string) => now.across(contest, option),
      keyOf: (contest: Contest, option: string) => keyOf(contest, option),
    };
    pattern.setAttribute('stroke', ground.hatch);
    water.setAttribute('fill', ground.water);
    const keys = new Map<string, { name: string; colour: string; units: number }>();
    for (const [id, path] of paths) {
      const unit = now.units.get(id);
      const look = shade(unit, context);
      path.setAttribute('fill', look.fill ?? `url(#${hatch})`);
      path.setAttribute('stroke', look.complete ? ground.firm : ground.neighbourLine);
      const leader = context.mode === 'leading' && unit ? leaderOf(now, unit) : null;
      if (look.key === null || !leader) continue;
      const entry = keys.get(look.key) ?? { ...legendOf(now, look.key, leader.contest, leader.option), units: 0 };
      entry.units += 1;
      keys.set(look.key, entry);
    }
    legend.replaceChildren(...(context.mode === 'leading' ? leadingLegend(now, [...keys.values()], ground) : scaleLegend(now, context.mode, ground)));
  }

  function table(now: View, parts: Unit[]): void {
    const { t } = now;
    const heads = [t.unit, t.reported, t.turnout, t.leading, t.share].map((text, at) => h('th', { scope: 'col', class: at === 0 || at === 3 ? '' : 'num' }, text));
    head.replaceChildren(h('tr', {}, ...heads));
    body.replaceChildren(
      ...parts.map((unit) => {
        const leader = leaderOf(now, unit);
        const { precincts, ofPrecincts } = reportedIn(now, unit);
        return h(
          'tr',
          { 'data-unit': unit.id },
          h('th', { scope: 'row' }, now.unitName(unit.id)),
          h('td', { class: 'num' }, now.t.of(now.n(precincts), now.n(ofPrecincts))),
          h('td', { class: 'num' }, now.pct(share(unit.turnout.identified, unit.turnout.registered))),
          h('td', {}, leader ? leader.name : ''),
          h('td', { class: 'num' }, leader ? now.pct(leader.percent) : ''),
        );
      }),
    );
    summary.textContent = t.asTable;
  }

  return {
    root,
    heading: (now) => [now.unitName(now.settings.unit), now.group ? now.groupName(now.group) : ''].filter(Boolean).join(' · '),
    update(now) {
      view = now;
      const parts = [...now.units.values()].filter(({ id }) => id !== now.settings.unit);
      const layer = LAYERS[parts[0]?.kind ?? ''];
      svg.setAttribute('aria-label', now.t.mapLabel);
      table(now, parts);
      fine.textContent = [now.settings.source === 'urns' ? now.t.urns : now.t.protocols, now.t.approximate].join(' ');
      const wanted = `${now.base} ${layer} ${now.settings.unit}`;
      if (layer && drawn !== wanted) {
        drawn = wanted;
        void outline(now, layer, parts).then(
          () => view && (paint(view), tell()),
          () => (drawn = ''),
        );
      } else paint(now);
      tell();
    },
  };
}

/** As asked; else turnout until votes are shown, then who leads. */
function modeOf({ settings, summary }: View): Mode {
  const votes = summary.status !== 'pre' && summary.status !== 'open' && !summary.embargo_until;
  return settings.mode ?? (votes ? 'leading' : 'turnout');
}

/** In districts every ballot is another: there a class is a party, and candidates without one are one class. */
function keyOf(contest: Contest, id: string): string {
  if (contest.scope === 'country') return id;
  const option = contest.options.find((each) => each.id === id);
  return option?.party ?? (independent(contest, id) ? INDEPENDENTS : id);
}

function leaderOf(view: View, unit: Unit): { contest: Contest; option: string; name: string; percent: number; votes: number } | null {
  const contest = view.contestIn(view.group, unit);
  const leader = contest && leading(contest, unit.contests[contest.id], view.settings.source);
  if (!contest || !leader) return null;
  const name = leader.tied ? view.t.tie : view.name(leader.option.name);
  return { contest, option: leader.option.id, name, percent: leader.percent, votes: leader.votes };
}

function reportedIn(view: View, unit: Unit): { precincts: number; ofPrecincts: number } {
  const contest = view.contestIn(view.group, unit);
  return contest ? reportedOf(unit, contest) : { precincts: unit.reported.precincts, ofPrecincts: unit.precincts };
}

function textOf(view: View, id: string): string {
  const unit = view.units.get(id);
  if (!unit) return view.unitName(id);
  const leader = leaderOf(view, unit);
  const { precincts, ofPrecincts } = reportedIn(view, unit);
  const { identified, registered } = unit.turnout;
  return [
    view.unitName(id),
    ...(leader ? [`${leader.name}: ${view.n(leader.votes)} (${view.pct(leader.percent)})`] : []),
    `${view.t.reported}: ${view.t.of(view.n(precincts), view.n(ofPrecincts))}`,
    `${view.t.turnout}: ${view.n(identified)} (${view.pct(share(identified, registered))})`,
  ].join(' · ');
}

function legendOf(view: View, key: string, contest: Contest, option: string): { name: string; colour: string } {
  if (key === 'tie') return { name: view.t.tie, colour: (view.dark ? DARK : LIGHT).tie };
  const colour = view.across(contest, option);
  if (key === INDEPENDENTS) return { name: view.t.independents, colour };
  const national = view.election.groups.find((group) => group.national)?.national;
  const party = national ? view.election.option(national.id, key) : undefined;
  return { name: view.name((party ?? view.election.option(contest.id, option))?.name), colour };
}

const chip = (colour: string) => s('svg', { class: 'chip', viewBox: '0 0 10 10', 'aria-hidden': 'true' }, s('rect', { width: 10, height: 10, rx: 2, fill: colour }));

function leadingLegend(view: View, entries: { name: string; colour: string; units: number }[], ground: Theme): HTMLElement[] {
  const sorted = entries.sort((a, b) => b.units - a.units);
  const items = sorted.map(({ name, colour, units }) => h('li', {}, chip(colour), `${name} ${view.n(units)}`));
  const first = sorted[0]?.colour;
  if (!first) return [h('li', {}, view.t.nothingHere)];
  const steps = ground.margin.map((strength) => chip(mix(first, ground.land, strength)));
  return [...items, h('li', {}, ...steps, view.t.marginLegend)];
}

function scaleLegend(view: View, mode: Mode, ground: Theme): HTMLElement[] {
  const [breaks, colours, caption] =
    mode === 'reported' ? [REPORTED_BREAKS, ground.reported, view.t.reportedLegend] : [TURNOUT_BREAKS, ground.turnout, view.t.turnoutLegend];
  const items = breaks.map((from, at) => h('li', {}, chip(colours[at] ?? ground.land), from === 100 ? '100' : `≥ ${from}`));
  return [h('li', {}, caption), ...items];
}

/** Shows the parts that are drawn, and no more; a region is seen as large as a country. */
function fit(svg: SVGSVGElement, paths: SVGPathElement[], { width, height }: Shapes): void {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const path of paths) {
    const box = path.getBBox();
    [left, top] = [Math.min(left, box.x), Math.min(top, box.y)];
    [right, bottom] = [Math.max(right, box.x + box.width), Math.max(bottom, box.y + box.height)];
  }
  if (!(right > left)) [left, top, right, bottom] = [0, 0, width, height];
  svg.setAttribute('viewBox', `${left - MARGIN} ${top - MARGIN} ${right - left + 2 * MARGIN} ${bottom - top + 2 * MARGIN}`);
}
