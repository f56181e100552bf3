import { createContext } from 'svelte';
import type { Election } from '../election/election';
import type { I18n } from '../i18n/i18n.svelte';
import type { Boundaries } from '../map/boundaries';
import type { TimeMachine } from './machine.svelte';
import type { Night } from './night.svelte';
import type { Places } from './places.svelte';
import type { Route } from './route.svelte';
import type { ThemeState } from './theme.svelte';

/** What every part of the page of one election shares. */
export interface Page {
  i18n: I18n;
  route: Route;
  theme: ThemeState;
  night: Night;
  machine: TimeMachine;
  election: Election;
  places: Places;
  boundaries: Boundaries;
}

export const [getPage, setPage] = createContext<Page>();
