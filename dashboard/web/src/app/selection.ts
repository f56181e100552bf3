import type { ContestGroup } from '../election/election';
import type { I18n } from '../i18n/i18n.svelte';
import type { Contest, Source, Unit } from '../feed/types';
import { reportedOf, standing, type Progress, type Reported } from '../results/standing';
import type { Page } from './page';

/** The tab in view: what the address names, or else the first that is voted in its unit. */
export function groupOf({ election, route }: Page): ContestGroup | undefined {
  const { contest, unit } = route.now;
  const own = contest === null ? election.groups.find(({ byUnit }) => byUnit.has(unit)) : undefined;
  return own ?? election.group(contest);
}

/** What a tab is called: where each district has a contest of its own, by their kind. */
export function groupName(i18n: I18n, { contests, national }: ContestGroup): string {
  const kind = contests[0]?.kind;
  if (national === null && (kind === 'single_member' || kind === 'multi_member' || kind === 'council')) return i18n.t.contest[kind];
  return i18n.name(contests[0]?.name);
}

/**
 * The contest of a group that a unit's figures are of. A precinct may vote in several districts: then the one its
 * place names first, else the first it has.
 */
export function contestIn(page: Page, group: ContestGroup | undefined, unit: Unit | undefined): Contest | null {
  if (!group || !unit) return null;
  if (group.national) return unit.contests[group.national.id] ? group.national : null;
  const home = page.places.get(unit.id)?.districts[0];
  const own = group.byUnit.get(unit.id) ?? (home ? group.byUnit.get(home) : undefined);
  if (own && unit.contests[own.id]) return own;
  return group.contests.find((contest) => unit.contests[contest.id]) ?? null;
}

/**
 * How much of a group a source, by itself the one in view, has reported in a unit: of its contest there, or of all districts' where the
 * unit is the country. Precincts without urns are none of the urns' to report.
 */
export function reportedIn(
  page: Page,
  group: ContestGroup | undefined,
  id: string,
  source: Source = page.route.now.source,
): Reported {
  const unit = page.night.unit(id);
  const contest = contestIn(page, group, unit);
  if (contest) {
    const { reported } = standing(contest, unit?.contests[contest.id], source);
    return { ...reported, ofPrecincts: within(page, source, id, reported.ofPrecincts) };
  }
  const sum: Reported = { precincts: 0, ofPrecincts: 0, registered: 0, ofRegistered: 0 };
  if (!group || id !== 'country') return sum;
  for (const each of group.contests) {
    const part = standing(each, page.night.unit(each.unit)?.contests[each.id], source).reported;
    sum.precincts += part.precincts;
    sum.ofPrecincts += within(page, source, each.unit, part.ofPrecincts);
    sum.registered += part.registered;
    sum.ofRegistered += part.ofRegistered;
  }
  return sum;
}

/** Of so many precincts of a unit, those that a source can report. */
function within({ election, places }: Page, source: Source, id: string, precincts: number): number {
  if (source === 'protocols') return precincts;
  const byHand = places.get(id)?.count === 'manual' ? 1 : (election.unit(id)?.by_hand ?? 0);
  return Math.max(0, precincts - byHand);
}

/** How much of a group has reported in a unit by whichever source; where it is not voted in, of the unit itself. */
export function reportedByAny(page: Page, group: ContestGroup | undefined, id: string): Progress {
  const unit = page.night.unit(id);
  const contest = contestIn(page, group, unit);
  if (unit && contest) return reportedOf(unit, contest);
  return { precincts: unit?.reported.precincts ?? 0, ofPrecincts: unit?.precincts ?? 0 };
}
