import type { I18n } from '../i18n/i18n.svelte';
import { unitName } from './names';
import type { Page } from './page';
import type { PageName } from './route.svelte';
import { groupOf, groupName } from './selection';

/** What a page beside the figures is called. */
export function pageTitle({ t }: I18n, name: Exclude<PageName, 'figures'>): string {
  return { ...t.lists, embed: t.builder, data: t.data, elections: t.archive }[name].title;
}

/** The title of an address, most special first: what is seen, of which election, and what it must not be taken for. */
export function titleOf(page: Page): string {
  const { i18n, route, election, night } = page;
  const { t } = i18n;
  const { unit, contest, page: name } = route.now;
  const group = contest === null ? undefined : groupOf(page);
  const seen =
    name === 'figures' ? [...(unit === 'country' ? [] : [unitName(page, unit)]), ...(group ? [groupName(i18n, group)] : [])] : [pageTitle(i18n, name)];
  const marks = [
    ...(night.past ? [`${t.machine.past} ${i18n.clockSeconds(night.past.snapshot.generated_at)}`] : []),
    ...((night.header?.test ?? election.definition.test) ? [t.simulation] : []),
    ...(night.header?.status === 'certified' ? [] : [t.preliminary]),
  ];
  return [...marks, ...seen, i18n.name(election.definition.name), 'Sanak'].join(' · ');
}
