import type { Name } from '../feed/types';
import { en } from './en';
import type { Dictionary } from './dictionary';
import { ky } from './ky';
import type { Language } from './languages';
import { decimal, integer, percentText } from './numbers';
import { ru } from './ru';
import { clock, clockSeconds, day } from './times';

const DICTIONARIES: Record<Language, Dictionary> = { ky, ru, en };

/** The reader's language, and everything that is written in it. */
export class I18n {
  lang = $state<Language>('ky');
  /** The election's. */
  zone = $state('Asia/Bishkek');
  readonly t = $derived(DICTIONARIES[this.lang]);

  /** A count. */
  n(value: number): string {
    return integer(value, this.lang);
  }

  dec(value: number, decimals: number): string {
    return decimal(value, decimals, this.lang);
  }

  pct(percent: number | null, threshold: number | null = null): string {
    return percentText(percent, this.lang, threshold);
  }

  name(name: Name | null | undefined): string {
    if (!name) return '';
    return name[this.lang] || name.ky || name.ru;
  }

  clock(instant: string | number): string {
    return clock(instant, this.zone);
  }

  clockSeconds(instant: string | number): string {
    return clockSeconds(instant, this.zone);
  }

  day(date: string): string {
    return day(date, this.lang);
  }
}
