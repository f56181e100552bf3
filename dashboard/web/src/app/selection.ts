import type { ContestGroup } from '../election/election';
import type { Contest, Unit } from '../feed/types';
import { standing, type Reported } from '../results/standing';
import type { Page } from './page';

/** The tab in view. */
export function groupOf({ election, route }: Page): ContestGroup | undefined {
  return election.group(route.now.contest);
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

/** How much of a group has reported in a unit: of its contest there, or of all districts' where the unit is the country. */
export function reportedIn(page: Page, group: ContestGroup | undefined, id: string): Reported {
  const source = page.route.now.source;
  const unit = page.night.unit(id);
  const contest = contestIn(page, group, unit);
  if (contest) return standing(contest, unit?.contests[contest.id], source).reported;
  const sum: Reported = { precincts: 0, ofPrecincts: 0, registered: 0, ofRegistered: 0 };
  if (!group || id !== 'country') return sum;
  for (const each of group.contests) {
    const part = standing(each, page.night.unit(each.unit)?.contests[each.id], source).reported;
    sum.precincts += part.precincts;
    sum.ofPrecincts += part.ofPrecincts;
    sum.registered += part.registered;
    sum.ofRegistered += part.ofRegistered;
  }
  return sum;
}
