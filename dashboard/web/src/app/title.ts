import { unitName } from './names';
import type { Page } from './page';
import { groupOf, groupName } from './selection';

/** The title of an address, most special first: what is seen, of which election, and what it must not be taken for. */
export function titleOf(page: Page): string {
  const { i18n, route, election, night } = page;
  const { t } = i18n;
  const { unit, contest, page: name } = route.now;
  const group = contest === null ? undefined : groupOf(page);
  const seen =
    name === 'figures' ? [...(unit === 'country' ? [] : [unitName(page, unit)]), ...(group ? [groupName(i18n, group)] : [])] : [t.lists[name].title];
  const marks = [
    ...((night.header?.test ?? election.definition.test) ? [t.simulation] : []),
    ...(night.header?.status === 'certified' ? [] : [t.preliminary]),
  ];
  return [...marks, ...seen, i18n.name(election.definition.name), 'Sanak'].join(' · ');
}
