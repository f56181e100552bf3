import { precinctNumber, unitNumber } from '../election/election';
import type { Page } from './page';

/** What a unit is called; a precinct by its number. */
export function unitName({ i18n, election }: Page, id: string): string {
  const number = precinctNumber(id);
  if (number !== null) return `${i18n.t.precinct} ${number}`;
  if (id === 'country') return i18n.t.wholeCountry;
  if (id === 'abroad') return i18n.t.abroad;
  const named = i18n.name(election.unit(id)?.name);
  return named || (id.startsWith('district:') ? `${i18n.t.district} ${unitNumber(id) ?? ''}` : i18n.t.table.unit);
}

/** The shortest name that is still plain: districts by number. */
export function unitLabel(page: Page, id: string): string {
  if (id.startsWith('precinct:')) return String(precinctNumber(id) ?? '');
  if (id.startsWith('district:')) return unitNumber(id) ?? unitName(page, id);
  return unitName(page, id);
}
