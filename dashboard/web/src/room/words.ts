import type { Language } from '../i18n/languages';
import { en, type Words } from './words/en';
import { ky } from './words/ky';
import { ru } from './words/ru';

export type { Words };
export const WORDS: Record<Language, Words> = { ky, ru, en };
