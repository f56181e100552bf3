import { untrack } from 'svelte';
import { Asked } from '../app/asked.svelte';
import type { Page } from '../app/page';

/** Lists are read, not watched: in ms. */
const PAUSE_MS = 5000;

/** A list that follows the figures while the component that asks for it lives. */
export function follow<T>(page: Page, url: () => string): Asked<T> {
  const asked = new Asked<T>(PAUSE_MS);
  $effect(() => {
    const { header } = page.night;
    const wanted = url();
    if (header) untrack(() => asked.want(wanted, `${header.epoch}:${header.version}`));
  });
  $effect(() => () => asked.stop());
  return asked;
}
